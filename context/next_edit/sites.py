"""The places of a document that look as one place did before it was changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from context.documents.document import Document
from context.next_edit.chunks import Chunk, Part, Token, is_whole, tokens_in
from context.next_edit.patterns import LINES_ABOVE, LINES_BELOW, Pattern, are_calls_of_one, callee_at, context_of

_MAX_HOLE_TOKENS = 16
_MAX_SITES = 40
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


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


def find_sites(pattern: Pattern, document: Document, nearest: int = 0) -> Iterator[Site]:
    """Yield the places of the document where the pattern fits, from the offset `nearest` on, and then those above."""
    done: set[int] = set()
    below, above = (pattern.expression.finditer(document.text, *ends) for ends in ((nearest,), (0, nearest)))
    for match in islice(chain(below, above), _MAX_SITES):
        start = match.start()
        line = document.position_at(start)[0]
        first = max(0, line - LINES_ABOVE)
        lines = document.lines[first : line + min(LINES_BELOW, len(pattern.edit.old_lines) + 3)]
        tokens = tokens_in(lines, first, document.line_starts[first])
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
    replaced = _replaced(pattern, document, tokens, index, end, held)
    if replaced is None:
        return None
    before, behind = context_of(tokens, index, end)
    left, right = _count_equal(before, pattern.before), _count_equal(behind, pattern.behind)
    kept = pattern.chunk.kept
    callee = callee_at(tokens, index + (kept[0] if kept else 0))
    if kept and not are_calls_of_one(callee, pattern.callee):
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
) -> tuple[int, int, str] | None:
    """Return the characters to replace, and the new text."""
    if pattern.chunk.kept:
        return _insertion(pattern.chunk, document, tokens, place + pattern.chunk.kept[0])
    if pattern.chunk.is_lines:
        return _replaced_lines(pattern, document, tokens, place, end)
    if pattern.chunk.new:
        first, last = tokens[place].start, tokens[end - 1].end
        if "\n" in document.text[first:last] and not pattern.joins_lines:
            return None  # the new text is on one line
        return first, last, _new_text(pattern.chunk, document, tokens, held)
    start = tokens[place - 1].end if place else tokens[0].start
    stop = tokens[end].start if end < len(tokens) else tokens[end - 1].end
    if "\n" in document.text[start : tokens[place].start]:
        return None
    if "\n" in document.text[tokens[end - 1].end : stop]:
        return start, tokens[end - 1].end, ""
    gap = pattern.chunk.gaps[0]
    return start, stop, "" if "\n" in gap else gap


def _insertion(chunk: Chunk, document: Document, tokens: Sequence[Token], place: int) -> tuple[int, int, str] | None:
    """Return the blanks between the tokens beside an insertion, and the new text for them."""
    start, end = tokens[place - 1].end, tokens[place].start
    return None if "\n" in document.text[start:end] else (start, end, f"{chunk.gaps[0]}{chunk.text}{chunk.gaps[1]}")


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
        joined = joined.removesuffix(",") if piece[:1] in _CLOSING else joined
        is_tight = joined[-1:] in _OPENING or piece[:1] in _CLOSING or piece[:1] == "."
        joined = joined + piece if is_tight else f"{joined} {piece}"
    return joined


def _replaced_lines(
    pattern: Pattern, document: Document, tokens: Sequence[Token], place: int, end: int
) -> tuple[int, int, str] | None:
    """Return the whole lines to replace, and the new ones with the indentation of the place."""
    is_first = place == 0 or tokens[place - 1].line < tokens[place].line
    if not is_first or (end < len(tokens) and tokens[end - 1].line == tokens[end].line):
        return None
    new_lines = pattern.edit.new_lines[pattern.chunk.line :][: pattern.chunk.text.count("\n") + 1]
    first, last = tokens[place].line, tokens[end - 1].line + 1
    model = document.lines[first]
    starts = (*document.line_starts, len(document.text))
    shown = "".join(_indented(new_lines, model)) if pattern.chunk.new else ""
    return starts[first], starts[last], shown


def _indented(lines: Sequence[str], model: str) -> Iterator[str]:
    """Yield the new lines of the example, moved so that the first one begins where the line `model` does."""
    own, wanted = (_blanks(line) for line in (lines[0], model))
    for line in lines:
        if not line.strip():
            yield line
        elif wanted.startswith(own):
            yield wanted[len(own) :] + line
        else:
            yield line.removeprefix(own[len(wanted) :])


def _blanks(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
