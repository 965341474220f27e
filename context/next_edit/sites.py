"""The places of a document that look as one place did before it was changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from context.documents.document import Document
from context.next_edit.chunks import (
    CLOSING,
    OPENING,
    Chunk,
    Part,
    Token,
    document_tokens,
    has_comma,
    is_whole,
    tokens_in,
)
from context.next_edit.patterns import (
    FRAME,
    LINES_ABOVE,
    LINES_BELOW,
    LinesBeside,
    Pattern,
    are_calls_of_one,
    blanks_before,
    callee_at,
    context_of,
)

_MAX_HOLE_TOKENS = 16
_MAX_SITES = 40
_IMPORTS = frozenset({"from", "import"})


@dataclass(frozen=True)
class Site:
    """A place that may change as the pattern did: the characters from `start` up to `end` become `text`."""

    document: Document
    pattern: Pattern
    start: int
    end: int
    text: str
    line: int
    left: int  # the tokens beside it that are those of the pattern
    right: int
    is_same_callee: bool

    @property
    def is_equal_line(self) -> bool:
        """True where the line is that of the example, but for the blanks around it."""
        return self.document.lines[self.line].strip() == self.pattern.line


def find_sites(pattern: Pattern, document: Document, nearest: int = 0) -> Iterator[Site]:
    """Yield the places of the document where the pattern fits, from the offset `nearest` on, and then those above."""
    if not pattern.may_be_in(document.text):
        return
    done: set[int] = set()
    below, above = (pattern.expression.finditer(document.text, *ends) for ends in ((nearest,), (0, nearest)))
    for match in islice(chain(below, above), _MAX_SITES):
        start = match.start(match.lastindex or 0)
        line = document.position_at(start)[0]
        first = max(0, line - LINES_ABOVE)
        tokens = document_tokens(document, first, line + min(LINES_BELOW, len(pattern.edit.old_lines) + 3))
        index = next((n for n, token in enumerate(tokens) if token.start == start), None)
        found = _site_at(pattern, document, tokens, index) if index is not None else None
        if found is not None and found.start not in done:
            done.add(found.start)
            yield found


def _site_at(pattern: Pattern, document: Document, tokens: Sequence[Token], index: int) -> Site | None:
    held = _match(pattern.chunk.old, tokens, index)
    if held is None:
        return None
    end = held.pop(-1)[1]
    if any(pattern.told_by) and any(
        has_comma(token.text for token in tokens[slice(*place)]) for place in held.values()
    ):
        return None  # what tells little of one value tells nothing of several
    is_python = document.language == "python"
    if is_python and "|" in pattern.chunk.new and any(tokens[at].text[0] in "\"'" for at, _ in held.values()):
        return None  # a type in quotes is no operand
    kept = pattern.chunk.kept
    callee = callee_at(tokens, index + (kept[0] if kept else 0))
    if kept and not pattern.chunk.is_lines and not are_calls_of_one(callee, pattern.callee):
        return None
    replaced = _replaced(pattern, document, tokens, index, end, held, callee)
    if replaced is None:
        return None
    before, behind = context_of(tokens, index, end)
    left, right = _count_equal(before, pattern.before), _count_equal(behind, pattern.behind)
    before_tells, behind_tells = pattern.told_by
    if any(pattern.told_by) and not (0 < before_tells <= left or 0 < behind_tells <= right):
        return None
    is_same_callee = callee[:1] not in ("", ")", "]") and callee == pattern.callee  # `super()` is another in each class
    return Site(document, pattern, *replaced, tokens[index].line, left, right, is_same_callee)


def _match(old: Sequence[Part], tokens: Sequence[Token], place: int) -> dict[int, tuple[int, int]] | None:
    """Match the old parts from a token on; return what the holes hold, and under -1 the whole."""
    held: dict[int, tuple[int, int]] = {}
    at = place
    for number, part in enumerate(old):
        if isinstance(part, str):
            if at >= len(tokens) or tokens[at].text != part:
                return None
            at += 1
            continue
        closing = old[number + 1]
        most = min(len(tokens) - at, _MAX_HOLE_TOKENS)
        length = next(
            (
                size
                for size in range(1, most)
                if tokens[at + size].text == closing and is_whole([one.text for one in tokens[at : at + size]])
            ),
            None,
        )
        if length is None or any(one.text == "," for one in tokens[at : at + length] if length < 3):
            return None
        held[part] = at, at + length
        at += length
    return held | {-1: (place, at)}


def _count_equal(some: Sequence[str], others: Sequence[str]) -> int:
    count = 0
    for one, other in zip(some, others, strict=False):
        if one != other:
            return count
        count += 1
    return count


def _replaced(
    pattern: Pattern,
    document: Document,
    tokens: Sequence[Token],
    place: int,
    end: int,
    held: dict[int, tuple[int, int]],
    callee: str,
) -> tuple[int, int, str] | None:
    """Return the characters to replace, and the new text."""
    chunk = pattern.chunk
    if pattern.beside:
        return _new_lines(pattern, pattern.beside, document, tokens, place + FRAME)
    if chunk.kept:
        return _insertion(chunk, document, tokens, place + chunk.kept[0])
    lines = _replaced_lines(pattern, document, tokens, place, end) if chunk.is_lines else None
    if not chunk.new:
        is_in_list = chunk.old[-1] == "," and _are_of_one_list(pattern, callee, document.lines[tokens[place].line])
        if lines is None and (is_in_list or not chunk.is_lines):
            return _removed(chunk, document, tokens, place, end, is_in_list=is_in_list)
    if chunk.is_lines:
        return lines
    first, last = tokens[place].start, tokens[end - 1].end
    if "\n" in document.text[first:last] and not pattern.joins_lines:
        return None  # the new text is on one line
    return first, last, _new_text(chunk, document, tokens, held)


def _are_of_one_list(pattern: Pattern, callee: str, line: str) -> bool:
    """Return whether the place, in this call and line, is in a list of the example's call, or both are in imports."""
    return _list_of(callee, line) == _list_of(pattern.callee, pattern.line) != ""


def _list_of(callee: str, line: str) -> str:
    """Return whose list a place is in: that of a call, or of an import."""
    return callee or ("import" if line.lstrip().startswith("from ") else "")


def _removed(
    chunk: Chunk, document: Document, tokens: Sequence[Token], place: int, end: int, *, is_in_list: bool
) -> tuple[int, int, str] | None:
    """Return the characters that go with some tokens, and the blanks that stay for them.

    `is_in_list`: it is an item of a list that the example is in too, which may have its items on lines of their own.
    """
    start = tokens[place - 1].end if place else tokens[0].start
    stop = tokens[end].start if end < len(tokens) else tokens[end - 1].end
    before, behind = document.text[start : tokens[place].start], document.text[tokens[end - 1].end : stop]
    if "\n" in before:
        if not is_in_list or "\n" not in behind:
            return None
        return document.line_starts[tokens[place].line], document.line_starts[tokens[end - 1].line + 1], ""
    if "\n" in behind:
        return start, tokens[end - 1].end, ""
    if chunk.old[-1] in (",", "."):
        return start, stop, before
    gap = "".join(chunk.gaps)
    return start, stop, "" if "\n" in gap else gap


def _insertion(chunk: Chunk, document: Document, tokens: Sequence[Token], place: int) -> tuple[int, int, str] | None:
    """Return the blanks between the tokens beside an insertion, and the new text for them."""
    start, end = tokens[place - 1].end, tokens[place].start
    return None if "\n" in document.text[start:end] else (start, end, f"{chunk.gaps[0]}{chunk.text}{chunk.gaps[1]}")


def _new_lines(
    pattern: Pattern, beside: LinesBeside, document: Document, tokens: Sequence[Token], place: int
) -> tuple[int, int, str] | None:
    """Return the place between two lines that are those of the example, and the new lines for it."""
    above, below = tokens[place - 1].line, tokens[place].line
    is_between = below == above + 1 and beside[:2] == tuple(document.lines[line].strip() for line in (above, below))
    came = _lines_that_came(pattern)
    around = document.lines[max(0, below - len(came)) : below], document.lines[below : below + len(came)]
    is_there = any([*map(str.strip, lines)] == [*map(str.strip, came)] for lines in around)
    if not is_between or is_there:
        return None
    start = document.line_starts[below]
    return start, start, "".join(_indented(came, document.lines[below if beside.is_as_below else above]))


def _lines_that_came(pattern: Pattern) -> tuple[str, ...]:
    return pattern.edit.new_lines[pattern.chunk.line : pattern.chunk.end_line]


def _new_text(chunk: Chunk, document: Document, tokens: Sequence[Token], held: dict[int, tuple[int, int]]) -> str:
    """Return the new text on one line, with the spaces of the example, and what the site has in the holes."""
    text = chunk.text
    if held:
        whole = tokens_in([text])
        old_hole = len(whole) - (len(chunk.new) - 1)
        first = chunk.new.index(0)
        start, end = whole[first].start, whole[first + old_hole - 1].end
        inside = document.text[tokens[held[0][0]].start : tokens[held[0][1] - 1].end]
        text = text[:start] + inside + text[end:]
    pieces = [piece.strip() for piece in text.split("\n")]
    joined = pieces[0]
    for piece in pieces[1:]:
        joined = joined.removesuffix(",") if piece[:1] in CLOSING else joined
        is_tight = joined[-1:] in OPENING or piece[:1] in CLOSING or piece[:1] == "."
        joined = joined + piece if is_tight else f"{joined} {piece}"
    return joined


def _replaced_lines(
    pattern: Pattern, document: Document, tokens: Sequence[Token], place: int, end: int
) -> tuple[int, int, str] | None:
    """Return the whole lines to replace, and the new ones with the indentation of the place."""
    is_first = place == 0 or tokens[place - 1].line < tokens[place].line
    if not is_first or (end < len(tokens) and tokens[end - 1].line == tokens[end].line):
        return None
    first, last = tokens[place].line, tokens[end - 1].line + 1
    model = document.lines[first]
    if pattern.chunk.new and tokens[place].text in _IMPORTS and bool(blanks_before(model)) != bool(pattern.blanks):
        return None  # an import of a function is none of the file
    if document.language == "python" and not pattern.chunk.new and pattern.chunk.old[-1] == ":":
        return None  # what it begins would stay without it
    starts = (*document.line_starts, len(document.text))
    shown = "".join(_indented(_lines_that_came(pattern), model)) if pattern.chunk.new else ""
    return starts[first], starts[last], shown


def _indented(lines: Sequence[str], model: str) -> Iterator[str]:
    """Yield the new lines of the example, moved so that the first one begins where the line `model` does."""
    own, wanted = (blanks_before(line) for line in (lines[0], model))
    for line in lines:
        if not line.strip():
            yield line
        elif wanted.startswith(own):
            yield wanted[len(own) :] + line
        else:
            yield line.removeprefix(own[len(wanted) :])
