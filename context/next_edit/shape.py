"""The shape that two changes have in common: tokens, and holes for what differs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate

from context.index.terms import identifiers
from context.next_edit.line_changes import LineChange, Tokens, is_closed

# A part of a pattern: a token, or a hole by its number. Equal holes hold equal tokens.
Part = str | int
Held = dict[int, tuple[int, int]]  # the tokens in each hole, from the first up to the last

_MAX_HOLE_TOKENS = 16
_MAX_CONTEXT_TOKENS = 10
_ONE_TOKEN = 1000  # holes from this number on hold one token
_FOLLOWING = ("(", ":", "=")  # a mark behind a change that tells what it is: a call, a header, a name with a value
_TELLING_TOKENS = 3
_OPEN, _CLOSE = "([{", ")]}"


@dataclass(frozen=True)
class Shape:
    """A pattern, of which the parts from `first` up to `end` are replaced by `new`.

    `example` is a change of this shape, from which the spaces are taken; its holes have
    `lengths` tokens. `anchor` is a telling word of the pattern.
    """

    pattern: tuple[Part, ...]
    first: int
    end: int
    new: tuple[Part, ...]
    example: LineChange
    lengths: tuple[int, ...]
    before: frozenset[str]  # the tokens right before and behind the changes
    behind: frozenset[str]
    anchor: str
    is_whole_line: bool
    is_told_beside: bool  # by words beside the change, not by those that it replaces

    def places_in(self, tokens: Tokens) -> Iterator[tuple[int, int, str]]:
        """Yield where the pattern stands in a line: the part of the line to replace, and by what."""
        words = tokens.words
        for begin in range(len(words)):
            held = _match(self.pattern, words, begin)
            if held is None or (self.is_whole_line and (begin > 0 or held[1] < len(words))):
                continue
            starts, _, holes = held
            if self._is_cut(words, starts[self.first], starts[self.end]):
                continue
            first, end = starts[self.first], starts[self.end]
            text = self._text(tokens, holes)
            start, stop = tokens.end_before(first), tokens.start_of(end)
            if first < end and self.new and self._keeps_spaces():
                yield tokens.start_of(first), tokens.end_before(end), text.strip()
            else:
                yield start, stop, text

    def _is_cut(self, words: Sequence[str], first: int, end: int) -> bool:
        """Return whether the place begins or ends within a chain such as `a.b(c)`, as neither example did."""
        before, behind = (words[first - 1] if first else ""), (words[end] if end < len(words) else "")
        is_cut_before = before == "." and before not in self.before
        return is_cut_before or (behind in (".", "(", "[") and behind not in self.behind)

    def _keeps_spaces(self) -> bool:
        """Return whether the example has the same spaces beside the change before and after it."""
        change = self.example
        edges: list[tuple[str, str]] = []
        for side, (first, end) in ((change.old, change.old_span), (change.new, change.new_span)):
            before = side.line[side.end_before(first) : side.start_of(first)]
            edges.append((before, side.line[side.end_before(end) : side.start_of(end)]))
        return edges[0] == edges[1]

    def _text(self, tokens: Tokens, holes: Held) -> str:
        """Return the new text with the spaces of the example."""
        new, index = self.example.new, self.example.new_span[0]
        place = new.end_before(index)
        pieces: list[str] = []
        for part in self.new:
            pieces.append(new.line[place : new.start_of(index)])
            if isinstance(part, int):
                first, end = holes[part]
                pieces.append(tokens.line[tokens.start_of(first) : tokens.end_before(end)])
                index += self.lengths[part]
            else:
                pieces.append(part)
                index += 1
            place = new.end_before(index)
        return "".join(pieces) + new.line[place : new.start_of(index)]


def common_shape(one: LineChange, other: LineChange) -> Shape | None:
    """Return the shape of two changes; None when they have none in common that tells enough."""
    if (one.new_core or other.new_core) and not set(one.new_core) & set(other.new_core):
        return None
    if _closes_first(one.old_core) or _closes_first(one.new_core):
        return None
    old = _with_holes(one.old_core, other.old_core)
    if old is None:
        return None
    parts, holes = old
    new, other_new = (
        _fill(change.new_core, [hole[side] for hole in holes]) for side, change in enumerate((one, other))
    )
    if new != other_new or new == parts or not set(range(len(holes))) <= set(new):
        return None
    lengths = tuple(len(hole[0]) for hole in holes)
    around = _around(one, other)
    literals = {part for part in parts if isinstance(part, str)}
    removed = literals - {part for part in new if isinstance(part, str)}
    strong = identifiers(" ".join(removed))
    if not strong and len(removed) >= _TELLING_TOKENS:  # e.g. `.get(`
        strong = {token for token in removed if token.isidentifier()}
    if strong and new:
        dot, bracket = _beside(*around)
        pattern = (*dot, *parts, *bracket)
        anchor = max(strong, key=len)
        return Shape(pattern, len(dot), len(dot) + len(parts), new, one, lengths, *around, anchor, False, False)
    backwards = _context(one.before[::-1], other.before[::-1], 0)
    before: tuple[Part, ...] = tuple(backwards)[::-1]
    after: tuple[Part, ...] = tuple(_context(one.behind, other.behind, _MAX_CONTEXT_TOKENS))
    if removed and all(_kind(token) == "text" and not identifiers(token) for token in removed):
        return None
    near = (*before, *after)
    telling = identifiers(" ".join(part for part in (*near, *parts) if isinstance(part, str)))
    is_whole = len(before) == len(one.before) == len(other.before) and len(after) == len(one.behind) == len(
        other.behind
    )
    is_argument = is_whole and not parts and after[:1] == (")",)
    if not telling or not (removed or is_argument) or not (new or is_whole):
        return None
    pattern = (*before, *parts, *after)
    anchor = max(telling, key=len)
    return Shape(pattern, len(before), len(before) + len(parts), new, one, lengths, *around, anchor, is_whole, True)


def _closes_first(tokens: Sequence[str]) -> bool:
    """Return whether the tokens close a bracket that was open before them: they are parts of two expressions."""
    closing = [*accumulate((token in _OPEN) - (token in _CLOSE) for token in tokens)]
    return min(closing, default=0) < 0


def _around(one: LineChange, other: LineChange) -> tuple[frozenset[str], frozenset[str]]:
    """Return the tokens right before and right behind the two changes."""
    before = frozenset(change.before[-1] if change.before else "" for change in (one, other))
    return before, frozenset(change.behind[0] if change.behind else "" for change in (one, other))


def _beside(before: frozenset[str], behind: frozenset[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the dot before and the mark behind that both changes have."""
    mark = next(iter(behind)) if len(behind) == 1 else ""
    return (".",) if before == {"."} else (), (mark,) if mark in _FOLLOWING else ()


def _with_holes(
    one: Sequence[str], other: Sequence[str]
) -> tuple[tuple[Part, ...], list[tuple[tuple[str, ...], tuple[str, ...]]]] | None:
    """Return the parts that both have, and what each has in the holes between."""
    parts: list[Part] = []
    holes: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    for tag, start, end, other_start, other_end in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if tag == "equal":
            parts += one[start:end]
            continue
        held = tuple(one[start:end]), tuple(other[other_start:other_end])
        if not all(map(_is_balanced, held)):
            return None
        if held not in holes:
            holes.append(held)
        parts.append(holes.index(held))
    return tuple(parts), holes


def _is_balanced(tokens: Sequence[str]) -> bool:
    """Return whether the tokens are one expression: something, with its brackets closed and no comma between them."""
    depth = 0
    for token in tokens:
        depth += (token in _OPEN) - (token in _CLOSE)
        if depth == 0 and token in (",", ";", "="):
            return False
    return bool(tokens) and is_closed(tokens)


def _fill(tokens: Sequence[str], holes: Sequence[Sequence[str]]) -> tuple[Part, ...]:
    """Put a hole's number in place of what is in it."""
    parts: list[Part] = []
    place = 0
    while place < len(tokens):
        number = next(
            (n for n, held in enumerate(holes) if tuple(tokens[place : place + len(held)]) == tuple(held)), None
        )
        parts.append(tokens[place] if number is None else number)
        place += 1 if number is None else len(holes[number])
    return tuple(parts)


def _context(one: Sequence[str], other: Sequence[str], first_hole: int) -> Iterator[Part]:
    """Yield what follows both changes: equal tokens, and holes for single tokens of one kind."""
    for index, (token, same) in enumerate(zip(one, other, strict=False)):
        if index == _MAX_CONTEXT_TOKENS or (token != same and _kind(token) != _kind(same)):
            return
        if token != same and _kind(token) == "mark":
            return
        yield token if token == same else _ONE_TOKEN + first_hole + index


def _kind(token: str) -> str:
    if token[0] in "\"'`":
        return "text"
    return "number" if token[0].isdigit() else "word" if token.isidentifier() else "mark"


def _match(pattern: Sequence[Part], words: Sequence[str], begin: int) -> tuple[list[int], int, Held] | None:
    """Match the whole pattern from a token on; return where each part begins, the end, and what the holes hold."""
    starts: list[int] = []
    holes: Held = {}

    def go(part: int, place: int) -> bool:
        del starts[part:]
        starts.append(place)
        if part == len(pattern):
            return True
        wanted = pattern[part]
        if isinstance(wanted, str):
            return place < len(words) and words[place] == wanted and go(part + 1, place + 1)
        if wanted in holes:
            held = words[slice(*holes[wanted])]
            return words[place : place + len(held)] == held and go(part + 1, place + len(held))
        most = 1 if wanted >= _ONE_TOKEN else _MAX_HOLE_TOKENS
        for length in range(1, min(most, len(words) - place) + 1):
            if _is_balanced(words[place : place + length]):
                holes[wanted] = place, place + length
                if go(part + 1, place + length):
                    return True
                del holes[wanted]
        return False

    return (starts, starts[-1], holes) if go(0, begin) else None
