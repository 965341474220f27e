"""The lines that the user's last edits have changed, as tokens."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property, lru_cache
from itertools import islice

from context.documents.document import Document
from context.documents.edits import Edit
from context.next_edit.replacements import line_pairs

_TOKEN = re.compile(r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\\n]|\\.)*`|\w+|[^\w\s]""")
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")
# A line with more is data. To part it takes long where it has a string without an end.
_MAX_CHARACTERS = 2000
_MAX_TOKENS = 200
_MAX_CHANGES = 60


@dataclass(frozen=True)
class Tokens:
    """A line as tokens, each with the place where it begins and ends in the line."""

    line: str
    spans: tuple[tuple[int, int], ...]

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(self.line[start:end] for start, end in self.spans)

    def end_before(self, index: int) -> int:
        """Return where the token before this one ends; where the first token begins, for the first."""
        return self.spans[index - 1][1] if index else self.spans[0][0] if self.spans else 0

    def start_of(self, index: int) -> int:
        """Return where this token begins; where the last token ends, for the place behind it."""
        return self.spans[index][0] if index < len(self.spans) else self.end_before(index)


def tokens_of(line: str) -> Tokens:
    """Part a line into strings, words and marks."""
    spans = tuple(match.span() for match in _TOKEN.finditer(line)) if len(line) <= _MAX_CHARACTERS else ()
    return Tokens(line, spans if len(spans) <= _MAX_TOKENS else ())


@dataclass(frozen=True)
class LineChange:
    """A change within a line: the tokens of `old_span` became those of `new_span`."""

    document: Document
    line: int
    old: Tokens
    new: Tokens
    old_span: tuple[int, int]
    new_span: tuple[int, int]

    @cached_property
    def old_core(self) -> tuple[str, ...]:
        return self.old.words[slice(*self.old_span)]

    @cached_property
    def new_core(self) -> tuple[str, ...]:
        return self.new.words[slice(*self.new_span)]

    @property
    def before(self) -> tuple[str, ...]:
        return self.old.words[: self.old_span[0]]

    @property
    def behind(self) -> tuple[str, ...]:
        return self.old.words[self.old_span[1] :]

    @property
    def start(self) -> int:
        """The offset in the document at which the new tokens begin."""
        return self.document.line_starts[self.line] + self.new.start_of(self.new_span[0])


def find_line_changes(edits: Sequence[Edit], documents: Sequence[Document]) -> list[LineChange]:
    """Return the lines that became other lines, one for one, those of the last edit first."""
    by_path = {document.path: document for document in documents}
    found: list[LineChange] = []
    for edit in edits:
        document = by_path.get(edit.path)
        if document is not None and edit.stands(document) and len(found) < _MAX_CHANGES:
            found += islice(_changes_of(edit, document), _MAX_CHANGES - len(found))
    return found


def _changes_of(edit: Edit, document: Document) -> Iterator[LineChange]:
    """Yield the change of each line as a whole, and each part of it that is a change by itself."""
    for old_lines, new_lines, index in line_pairs(edit):
        if len(old_lines) != 1 or len(new_lines) != 1:
            continue
        old, new = tokens_of(old_lines[0]), tokens_of(new_lines[0])
        first = _count_equal(old.words, new.words)
        last = _count_equal(old.words[first:][::-1], new.words[first:][::-1])
        if old.words == new.words or not old.words or not new.words:
            continue
        whole = (first, len(old.words) - last), (first, len(new.words) - last)
        parts = [(i, j, p, q) for tag, i, j, p, q in _compare(old.words, new.words) if tag != "equal"]
        yield LineChange(document, edit.first_line + index, old, new, *whole)
        for i, j, p, q in parts if len(parts) > 1 else ():
            if i < j and p < q and all(map(is_closed, (old.words[i:j], new.words[p:q]))):
                yield LineChange(document, edit.first_line + index, old, new, (i, j), (p, q))


@lru_cache(maxsize=512)
def _compare(old: tuple[str, ...], new: tuple[str, ...]) -> Sequence[tuple[str, int, int, int, int]]:
    return SequenceMatcher(None, old, new, autojunk=False).get_opcodes()


def is_closed(tokens: Sequence[str]) -> bool:
    """Return whether each bracket among the tokens has its other half."""
    depth = 0
    for token in tokens:
        depth += (token in _OPEN) - (token in _CLOSE)
        if depth < 0:
            return False
    return depth == 0


def _count_equal(some: Sequence[str], others: Sequence[str]) -> int:
    return next(
        (index for index, (one, other) in enumerate(zip(some, others, strict=False)) if one != other),
        min(len(some), len(others)),
    )
