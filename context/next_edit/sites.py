"""The places of a document that look as one place did before it was changed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from context.documents.document import Document
from context.documents.edits import Edit
from context.index.terms import identifiers
from context.next_edit.chunks import Chunk, Part, Token, is_whole, tokens_in

MOST_CONTEXT = 4  # tokens on each side that are compared
_LINE = "\n"  # stands between the tokens of two lines
_LINES_ABOVE, _LINES_BELOW = 6, 12
_MAX_HOLE_TOKENS = 16
_MAX_SITES = 40
_TELLING_LETTERS = 4
_WORD_BEGINS = r"(?<![\w$])"
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_MARKS = frozenset({"def", "func", "function", "class", "."})
_COMMENT = ("#", "/")


@dataclass(frozen=True)
class Pattern:
    """A change with the tokens that stood around it, the nearest first. `callee` is the call that it lies in."""

    chunk: Chunk
    edit: Edit
    before: tuple[str, ...]
    behind: tuple[str, ...]
    callee: str
    expression: re.Pattern[str]  # for the text where it may fit


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


def pattern_of(edit: Edit, chunk: Chunk, document: Document) -> Pattern | None:
    """Return the pattern of one change; None for one that tells too little. The edit stands in the document.

    An insertion alone tells too little: on the tuning packages, of fifty places that looked so one was changed so too.
    """
    if not says_enough(chunk) or str(chunk.old[0])[0] in _COMMENT:
        return None
    above = document.lines[max(0, edit.first_line - _LINES_ABOVE) : edit.first_line]
    below = document.lines[edit.first_line + len(edit.new_lines) :][:_LINES_BELOW]
    tokens = tokens_in((*above, *edit.old_lines, *below))
    shift = len(tokens_in(above))
    at, end = chunk.at + shift, chunk.end + shift
    before, behind = context_of(tokens, at, end)
    return Pattern(chunk, edit, before, behind, callee_at(tokens, at), _expression(chunk.old))


def says_enough(chunk: Chunk) -> bool:
    """Return whether what was changed tells by itself that the same may change elsewhere.

    One name that became another one elsewhere too is a rename, unless the name is all that changed.
    """
    code = [part for part in chunk.old if isinstance(part, str) and part[0] not in "\"'`"]
    if not any(len(name) >= _TELLING_LETTERS for name in identifiers(" ".join(code))):
        return False
    if not chunk.new:
        return len(chunk.old) > 1
    pairs = {pair for pair in zip(chunk.old, chunk.new, strict=False) if pair[0] != pair[1]}
    return len(chunk.old) == 1 or len(chunk.old) != len(chunk.new) or len(pairs) > 1


def context_of(tokens: Sequence[Token], at: int, end: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the tokens before and behind a place, the nearest first, with a mark between two lines."""
    before: list[str] = []
    for index in range(at - 1, max(-1, at - 1 - MOST_CONTEXT), -1):
        if index + 1 < len(tokens) and tokens[index].line < tokens[index + 1].line:
            before.append(_LINE)
        before.append(tokens[index].text)
    behind: list[str] = []
    for index in range(end, min(len(tokens), end + MOST_CONTEXT)):
        if index and tokens[index - 1].line < tokens[index].line:
            behind.append(_LINE)
        behind.append(tokens[index].text)
    return tuple(before), tuple(behind)


def callee_at(tokens: Sequence[Token], at: int) -> str:
    """Return the name whose brackets the place is directly in, behind its owner or its `def`; "" for none."""
    opening = _opening_before(tokens, at)
    name = tokens[opening - 1].text if opening else ""
    if not name.isidentifier() or tokens[opening].text != "(":
        return ""
    before = tokens[opening - 2].text if opening > 1 else ""
    owner = f"{tokens[opening - 3].text} ." if before == "." and opening > 2 else before
    return f"{owner} {name}" if before in _MARKS else name


def _opening_before(tokens: Sequence[Token], at: int) -> int:
    """Return the index of the open bracket that the place is directly in; 0 for none."""
    depth = 0
    for index in range(at - 1, 0, -1):
        depth += _step(tokens[index].text)
        if depth > 0:
            return index
    return 0


def _step(token: str) -> int:
    return (token in _OPENING) - (token in _CLOSING)


def find_sites(pattern: Pattern, document: Document) -> Iterator[Site]:
    """Yield the places of the document where the pattern fits."""
    done: set[int] = set()
    for match in islice(pattern.expression.finditer(document.text), _MAX_SITES):
        start = match.start()
        line = document.position_at(start)[0]
        first = max(0, line - _LINES_ABOVE)
        lines = document.lines[first : line + min(_LINES_BELOW, len(pattern.edit.old_lines) + 3)]
        tokens = tokens_in(lines, first, document.line_starts[first])
        index = next((n for n, token in enumerate(tokens) if token.start == start), None)
        found = _site_at(pattern, document, tokens, index) if index is not None else None
        if found is not None and found.start not in done:
            done.add(found.start)
            yield found


@lru_cache(maxsize=1024)
def _expression(parts: tuple[Part, ...]) -> re.Pattern[str]:
    """Return an expression for tokens with any blanks between them."""
    # Without a look behind the first token, which is compared later, the search is many times faster.
    texts = [_escaped(part) if isinstance(part, str) else r"[^\n]{1,100}?" for part in parts]
    return re.compile(r"\s*".join(texts).removeprefix(_WORD_BEGINS))


def _escaped(token: str) -> str:
    is_word = token[0].isalnum() or token[0] == "_"
    return rf"{_WORD_BEGINS}{re.escape(token)}(?![\w$])" if is_word else re.escape(token)


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
    is_same_callee = bool(pattern.callee) and callee_at(tokens, index) == pattern.callee
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
    if pattern.chunk.is_lines:
        return _replaced_lines(pattern, document, tokens, place, end)
    if pattern.chunk.new:
        return tokens[place].start, tokens[end - 1].end, _new_text(pattern.chunk, document, tokens, held)
    start = tokens[place - 1].end if place else tokens[0].start
    stop = tokens[end].start if end < len(tokens) else tokens[end - 1].end
    if "\n" in document.text[start : tokens[place].start]:
        return None
    if "\n" in document.text[tokens[end - 1].end : stop]:
        return start, tokens[end - 1].end, ""
    gap = pattern.chunk.gaps[0]
    return start, stop, "" if "\n" in gap else gap


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
