"""The tokens that the user's last edits have replaced."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from context.documents.document import Document
from context.documents.edits import Edit

_TOKEN = re.compile(r"\w+|[^\w\s]")
_NAME = re.compile(r"[^\W\d]\w*")
Span = tuple[int, int]
_MAX_TOKENS = 800  # of a side of an edit: to compare more takes long, and it is no thought of one moment


@dataclass(frozen=True)
class Replacement:
    """The text `old` became `new`, which stands in the document from `start` on. `edit` counts from the last one."""

    document: Document
    old: str
    new: str
    start: int
    edit: int
    is_renaming: bool  # of all places of a name in the edit, which becomes a name that was not there
    is_alone: bool  # nothing else in these lines has changed

    @property
    def end(self) -> int:
        return self.start + len(self.new)


def find_replacements(edits: Sequence[Edit], documents: Sequence[Document]) -> list[Replacement]:
    """Return what the edits replaced, the last edit first, each in its order. `documents` are the open buffers."""
    by_path = {document.path: document for document in documents}
    found: list[Replacement] = []
    for number, edit in enumerate(edits):
        document = by_path.get(edit.path)
        if document is not None and edit.stands(document):
            renamed = _renamed(edit)
            found += _replacements_of(edit, document, number, renamed)
    return found


def typed_spans(edits: Sequence[Edit], document: Document) -> list[Span]:
    """Return the offsets of the text of a document that the edits have put there."""
    found: list[Span] = []
    for edit in edits:
        if not edit.stands(document):
            continue
        for old_lines, new_lines, first in line_pairs(edit):
            start = document.line_starts[edit.first_line + first]
            old, new = "".join(old_lines), "".join(new_lines)
            spans = changed_spans(old, new) if old else (((0, 0), (0, len(new))),)
            found += [(start + span[0], start + span[1]) for _, span in spans]
    return found


@lru_cache(maxsize=256)
def _renamed(edit: Edit) -> frozenset[tuple[str, str]]:
    """Return the names that the edit replaced, each with the new one.

    A name that the edit has moved to another line, or that stands beside the new one, was not renamed.
    """
    pairs: Counter[tuple[str, str]] = Counter()
    for old_lines, new_lines, _ in line_pairs(edit):
        old, new = "".join(old_lines), "".join(new_lines)
        for old_part, new_part in changed_spans(old, new):
            pairs[old[slice(*old_part)], new[slice(*new_part)]] += 1
    before, after = ("".join(lines) for lines in (edit.old_lines, edit.new_lines))
    names = {pair: count for pair, count in pairs.items() if all(map(_NAME.fullmatch, pair))}
    if not names:
        return frozenset()
    was, now = Counter(_TOKEN.findall(before)), Counter(_TOKEN.findall(after))
    return frozenset(
        (old, new)
        for (old, new), count in names.items()
        if now[old] <= was[old] - count and now[new] >= was[new] + count
    )


def _replacements_of(
    edit: Edit, document: Document, number: int, renamed: Collection[tuple[str, str]]
) -> Iterator[Replacement]:
    for old_lines, new_lines, first in line_pairs(edit):
        old, new = "".join(old_lines), "".join(new_lines)
        start = document.line_starts[edit.first_line + first]
        spans = changed_spans(old, new)
        pairs = [(old[slice(*old_part)], new[slice(*new_part)]) for old_part, new_part in spans]
        for pair, (_, new_part) in zip(pairs, spans, strict=True):
            is_alone = all(other == pair for other in pairs) or _is_alone_in_line(pair, new, new_part[0], edit)
            yield Replacement(document, *pair, start + new_part[0], number, pair in renamed, is_alone)


def _is_alone_in_line(pair: tuple[str, str], text: str, start: int, edit: Edit) -> bool:
    """Return whether the edit removed a line that differs in this name only from the new one around `start`."""
    if not all(map(_NAME.fullmatch, pair)):
        return False
    first = text.rfind("\n", 0, start) + 1
    line = text[first:].partition("\n")[0]
    was = re.sub(rf"\b{pair[1]}\b", pair[0], line)
    return f"{was}\n" in edit.old_lines


LinePair = tuple[tuple[str, ...], tuple[str, ...], int]


@lru_cache(maxsize=256)
def line_pairs(edit: Edit) -> tuple[LinePair, ...]:
    """Return the old and new lines that belong together, with the number of the first new one in the edit."""
    old, new = edit.old_lines, edit.new_lines
    if len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return tuple(((one,), (other,), index) for index, (one, other) in pairs if one != other)
    found: list[LinePair] = []
    for tag, i, j, p, q in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "replace" and j - i == q - p:
            found += [((old[i + index],), (new[p + index],), p + index) for index in range(j - i)]
        elif tag != "equal":
            found.append((old[i:j], new[p:q], p))
    return tuple(found)


@lru_cache(maxsize=1024)
def changed_spans(old: str, new: str) -> tuple[tuple[Span, Span], ...]:
    """Return the parts that differ, by whole tokens: where each lies in the old text and in the new one."""
    sides = [[match.span() for match in _TOKEN.finditer(text)] for text in (old, new)]
    if max(map(len, sides)) > _MAX_TOKENS:
        return ()
    words = [[text[slice(*span)] for span in side] for text, side in zip((old, new), sides, strict=True)]
    matcher = SequenceMatcher(None, words[0], words[1], autojunk=False)
    found: list[tuple[Span, Span]] = []
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if tag != "equal":
            found.append((_span(sides[0], old_start, old_end, old), _span(sides[1], new_start, new_end, new)))
    return tuple(found)


def _span(tokens: Sequence[Span], first: int, end: int, text: str) -> Span:
    if first < end:
        return tokens[first][0], tokens[end - 1][1]
    place = tokens[first][0] if first < len(tokens) else len(text.rstrip())
    return place, place
