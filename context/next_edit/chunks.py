"""The changes of an edit, as tokens of code that became others."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from context.documents.document import Document
from context.documents.document_cache import DocumentCache
from context.documents.edits import Edit
from context.next_edit.line_changes import is_closed

# A part of a pattern: a token, or a hole by its number. Equal holes hold equal tokens.
Part = str | int

_TOKEN = re.compile(r"""[^\W\d]\w*|\d[\w.]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\\n]|\\.)*`|[^\w\s]""")
_MAX_TOKENS = 300  # of a side of the lines that changed together; more is new code
_NEAR = 3  # tokens between two changes that are also taken for one
_MAX_OLD_TOKENS = 80
OPENING, CLOSING = frozenset("([{"), frozenset(")]}")
_BESIDE = 2  # tokens on each side that tell where an insertion is
_MAX_INSERTED_TOKENS = 30


class Token(NamedTuple):
    """A string, a word or a mark: where it begins and ends in the text of its lines, and its line."""

    text: str
    start: int
    end: int
    line: int


@dataclass(frozen=True)
class Chunk:
    """The parts `old` became the parts `new`, in the line `line` of the edit's new lines.

    `at` and `end` are the first of its tokens in the edit's old lines, and the one behind. `text` has the new tokens
    with their spaces, from the character `start` of the new lines on, and `gaps` the spaces before and behind
    them. `is_lines`: both sides are whole lines. Of an insertion, both sides have the `kept` tokens before and behind
    it, and `text` has only the tokens that came. Of whole lines that came, `framed` gives them these.
    """

    old: tuple[Part, ...]
    new: tuple[Part, ...]
    at: int
    end: int
    line: int
    start: int
    text: str
    gaps: tuple[str, str]
    is_lines: bool
    kept: tuple[int, int] | None = None  # None: no insertion

    @property
    def came(self) -> tuple[Part, ...]:
        """The new parts, for an insertion without those that were there."""
        before, behind = self.kept or (0, 0)
        return self.new[before : len(self.new) - behind]

    @property
    def end_line(self) -> int:
        """The line of the edit's new lines behind the last one of the text."""
        return self.line + self.text.count("\n") + 1

    def framed(self, before: Sequence[Part], behind: Sequence[Part]) -> "Chunk":
        """Return the insertion with tokens that are kept around it."""
        kept = len(before), len(behind)
        old, new = (*before, *behind), (*before, *self.new, *behind)
        return replace(self, old=old, new=new, at=self.at - kept[0], end=self.end + kept[1], kept=kept)


@lru_cache(maxsize=4096)
def line_tokens(line: str) -> tuple[tuple[str, int, int], ...]:
    """Return the tokens of a line with their places."""
    return tuple((match[0], *match.span()) for match in _TOKEN.finditer(line))


def tokens_in(lines: Sequence[str], first_line: int = 0, offset: int = 0) -> list[Token]:
    """Return the tokens of some lines; the first has the number `first_line` and begins at `offset`."""
    found: list[Token] = []
    for number, line in enumerate(lines, first_line):
        found += [Token(text, offset + start, offset + end, number) for text, start, end in line_tokens(line)]
        offset += len(line)
    return found


def document_tokens(document: Document, first_line: int, end_line: int) -> list[Token]:
    """Return the tokens of the lines of a document from `first_line` up to `end_line`."""
    known = _known_tokens(document)
    found: list[Token] = []
    for number in range(first_line, min(end_line, len(document.lines))):
        if number not in known:
            known[number] = tokens_in(document.lines[number : number + 1], number, document.line_starts[number])
        found += known[number]
    return found


@DocumentCache
def _known_tokens(_: Document) -> dict[int, list[Token]]:
    """Return the tokens of the lines that were asked for: many patterns look at the same ones."""
    return {}


@lru_cache(maxsize=64)
def chunks_of(edit: Edit) -> tuple[Chunk, ...]:
    """Return the changes of an edit: the smallest closed ones, and those that lie near one another as one."""
    sides = edit.old_lines, edit.new_lines
    old, new = (tokens_in(lines) for lines in sides)
    found: list[Chunk] = []
    for tag, i, j, p, q in SequenceMatcher(None, *sides, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        ranges = _range(old, i, j), _range(new, p, q)
        if max(end - first for first, end in ranges) <= _MAX_TOKENS:
            found += _chunks_in(old, new, ranges, sides[1])
    return tuple(dict.fromkeys(found))


def _range(tokens: Sequence[Token], first_line: int, end_line: int) -> tuple[int, int]:
    first = next((n for n, token in enumerate(tokens) if token.line >= first_line), len(tokens))
    return first, next((n for n in range(first, len(tokens)) if tokens[n].line >= end_line), len(tokens))


Span = tuple[int, int, int, int]  # of the old tokens and of the new ones


def _chunks_in(
    old: Sequence[Token], new: Sequence[Token], ranges: tuple[tuple[int, int], tuple[int, int]], lines: Sequence[str]
) -> Iterator[Chunk]:
    (i, j), (p, q) = ranges
    words, new_words = ([token.text for token in side] for side in (old[i:j], new[p:q]))
    codes = SequenceMatcher(None, words, new_words, autojunk=False).get_opcodes()
    spans = [(i + a, i + b, p + c, p + d) for tag, a, b, c, d in codes if tag != "equal"]
    closed = list(_closed_spans(spans, old, new))
    for span in dict.fromkeys([*closed, *_merged(closed), *([(i, j, p, q)] if spans else [])]):
        chunk = _chunk(old, new, span, "".join(lines))
        if chunk is not None:
            yield chunk


def _closed_spans(spans: Sequence[Span], old: Sequence[Token], new: Sequence[Token]) -> Iterator[Span]:
    """Yield the changes, each with those that close the brackets that it opens."""
    pending: list[Span] = []
    for span in spans:
        pending.append(span)
        whole = pending[0][0], span[1], pending[0][2], span[3]
        sides = old[whole[0] : whole[1]], new[whole[2] : whole[3]]
        if all(map(_are_whole, sides)):
            yield whole
            pending = []


def _merged(spans: Sequence[Span]) -> Iterator[Span]:
    for first in range(len(spans)):
        last = first
        while last + 1 < len(spans) and spans[last + 1][0] - spans[last][1] <= _NEAR:
            last += 1
        if last > first:
            yield spans[first][0], spans[last][1], spans[first][2], spans[last][3]


def _chunk(old: Sequence[Token], new: Sequence[Token], span: Span, text: str) -> Chunk | None:
    i, j, p, q = span
    if i == j:
        return _insertion(old, new, span, text)
    if p == q < len(new) and j < len(old) and old[i].text == old[j].text == new[q].text == ",":
        i, j, p, q = i + 1, j + 1, p + 1, q + 1  # of a list, an item goes with the comma behind it
    if not 0 < j - i <= _MAX_OLD_TOKENS or not all(map(_are_whole, (old[i:j], new[p:q]))):
        return None
    if p == q and not is_whole([token.text for token in old[i:j]]):
        return None  # what goes with a comparison went for something that came elsewhere
    is_lines = _has_whole_lines(old, i, j) and _has_whole_lines(new, p, q)
    start, end = (new[p].start, new[q - 1].end) if p < q else (new[p - 1].end, new[p - 1].end) if p else (0, 0)
    before = text[new[p - 1].end if p else 0 : start]
    behind = text[end : new[q].start] if q < len(new) else ""
    parts = _with_holes([one.text for one in old[i:j]], [one.text for one in new[p:q]])
    line = new[p].line if p < len(new) else new[-1].line + 1 if new else 0
    return Chunk(*parts, i, j, line, start, text[start:end], (before, behind), is_lines)


def _insertion(old: Sequence[Token], new: Sequence[Token], span: Span, text: str) -> Chunk | None:
    """Return an insertion between tokens of its line, or of whole lines."""
    i, _, p, q = span
    came = [token.text for token in new[p:q]]
    if len(came) > _MAX_INSERTED_TOKENS or not is_whole(came):
        return None
    if _has_whole_lines(new, p, q):
        start, end = new[p].start, new[q - 1].end
        return Chunk((), tuple(came), i, i, new[p].line, start, text[start:end], ("", ""), True, (0, 0))
    is_in_line = len({one.line for one in new[max(0, p - 1) : q + 1]}) == 1 and p > 0 and q < len(new)
    if not is_in_line:
        return None
    line = old[i].line
    before = [one.text for one in old[max(0, i - _BESIDE) : i] if one.line == line]
    behind = [one.text for one in old[i : i + _BESIDE] if one.line == line]
    if len(before) + len(behind) <= _BESIDE:
        return None
    gaps = text[new[p - 1].end : new[p].start], text[new[q - 1].end : new[q].start]
    start, end = new[p].start, new[q - 1].end
    parts = (*before, *behind), (*before, *came, *behind)
    kept = len(before), len(behind)
    return Chunk(*parts, i - kept[0], i + kept[1], new[p].line, start, text[start:end], gaps, False, kept)


def _are_whole(tokens: Sequence[Token]) -> bool:
    return is_whole([token.text for number, token in enumerate(tokens) if not _is_comparison(tokens, number)])


def _is_comparison(tokens: Sequence[Token], number: int) -> bool:
    """Return whether the token is `<` or `>` between blanks, which is no bracket."""
    token = tokens[number]
    if token.text not in ("<", ">") or not 0 < number < len(tokens) - 1:
        return False
    before, behind = tokens[number - 1], tokens[number + 1]
    is_apart = before.end < token.start and token.end < behind.start
    return is_apart and before.line == token.line == behind.line


def is_whole(tokens: Sequence[str]) -> bool:
    """Return whether each bracket among the tokens has its other half, those of type parameters included."""
    arrows = sum(pair in (("-", ">"), ("=", ">")) for pair in pairwise(tokens))
    return is_closed(tokens) and tokens.count("<") == tokens.count(">") - arrows


def depth_step(part: Part) -> int:
    """Return 1 for a bracket that opens, -1 for one that closes, and 0 for all else."""
    return (part in OPENING) - (part in CLOSING)


def has_comma(parts: Iterable[Part]) -> bool:
    """Return whether there is a comma outside brackets: in `a, b`, and not in `f(a, b)`."""
    depth = 0
    for part in parts:
        depth += depth_step(part)
        if part == "," and not depth:
            return True
    return False


def _has_whole_lines(tokens: Sequence[Token], first: int, end: int) -> bool:
    return first == end or (_begins(tokens, first) and _begins(tokens, end))


def _begins(tokens: Sequence[Token], index: int) -> bool:
    """Return whether a line begins with this token; the place behind the last token begins one."""
    return not 0 < index < len(tokens) or tokens[index - 1].line < tokens[index].line


def _with_holes(old: Sequence[str], new: Sequence[str]) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Put a hole where an expression between brackets was kept: `Optional[int]` that became `int | None`."""
    if len(old) < 3 or old[-1] not in ")]}>" or not new:
        return tuple(old), tuple(new)
    match = SequenceMatcher(None, old, new, autojunk=False).find_longest_match()
    first, end = match.a, match.a + match.size
    is_inside = end == len(old) - 1 and first and old[first - 1] in "([{<" and is_whole(old[first:end])
    is_one = is_inside and match.size and "," not in old[first:end]
    if not is_one or list(new).count(old[first]) < 1:
        return tuple(old), tuple(new)
    return (*old[:first], 0, *old[end:]), (*new[: match.b], 0, *new[match.b + match.size :])
