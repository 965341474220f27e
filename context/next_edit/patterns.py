"""The pattern of a change: what became what, and the tokens that stood around it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from keyword import iskeyword
from typing import NamedTuple

from context.documents.document import Document
from context.documents.edits import Edit
from context.index.terms import identifiers
from context.next_edit.chunks import Chunk, Part, Token, depth_step, tokens_in

MOST_CONTEXT = 4  # tokens on each side that are compared
FRAME = 2  # of them tell where a change is that tells too little by itself, or where lines came
LINES_ABOVE, LINES_BELOW = 6, 12  # of a place, in which these tokens are looked for
_LINE = "\n"  # stands between the tokens of two lines
_TELLING_LETTERS = 4
_TELLING_INSERTED = 3
_LEAST_NAME = 2  # letters of one that was changed beside a telling one
_TELLING_TOKENS = 8  # so many tell something even without a name
_NEW_CODE_TOKENS = 40  # that came; so many are written once
_WORD_BEGINS = r"(?<![\w$])"
_MARKS = frozenset({"def", "func", "function", "class", "."})
_MARKS_BETWEEN = frozenset({",", "=", ":", ";"})
_COMMENT = ("#", "/")


class LinesBeside(NamedTuple):
    """The lines between which others came, without blanks. `is_as_below`: these begin where the one below does."""

    above: str
    below: str
    is_as_below: bool


@dataclass(frozen=True)
class Pattern:
    """A change with the tokens that stood around it, the nearest first. `callee` is the call that it lies in.

    `line` is the old line that it begins in, without the `blanks` before it. `joins_lines`: what stood on several lines
    stands on one. A change that tells too little by itself is `told_by` so many tokens right before it or right behind;
    `is_all_of_line` (nothing else changed in its line) is known of it alone. Lines that came have those `beside` them.
    """

    chunk: Chunk
    edit: Edit
    before: tuple[str, ...]
    behind: tuple[str, ...]
    callee: str
    line: str
    blanks: str
    joins_lines: bool
    told_by: tuple[int, int]
    is_all_of_line: bool
    beside: LinesBeside | None

    @property
    def expression(self) -> re.Pattern[str]:
        """An expression for the text where it may fit. To make one takes long."""
        before, behind = self.told_by
        return _expression(self.chunk.old, self.before[:before][::-1], self.behind[:behind])

    def may_be_in(self, text: str) -> bool:
        """Return whether the text has all tokens that were there before the change."""
        return all(part in text for part in self.chunk.old if isinstance(part, str))


def pattern_of(edit: Edit, chunk: Chunk, document: Document) -> Pattern | None:
    """Return the pattern of one change; None for one that tells too little. The edit stands in the document."""
    if len(chunk.new) > len(chunk.old) + _NEW_CODE_TOKENS or (chunk.old and str(chunk.old[0])[0] in _COMMENT):
        return None
    is_telling = says_enough(chunk)
    if not is_telling and (not _may_be_told(chunk) or _is_new_code(edit)):
        return None
    above = document.lines[max(0, edit.first_line - LINES_ABOVE) : edit.first_line]
    below = document.lines[edit.first_line + len(edit.new_lines) :][:LINES_BELOW]
    lines = (*above, *edit.old_lines, *below)
    tokens = _tokens_of(lines)
    shift = len(_tokens_of(above))
    beside = None
    if not chunk.old:
        at = chunk.at + shift
        beside = _lines_beside(tokens, at, lines, edit.new_lines[chunk.line])
        if beside is None or _is_part_of_lines(chunk, edit, beside):
            return None
        chunk = chunk.framed(*([one.text for one in tokens[n : n + FRAME]] for n in (at - FRAME, at)))
    at, end = chunk.at + shift, chunk.end + shift
    before, behind = context_of(tokens, at, end)
    tokens_now = _tokens_of((*above, *edit.new_lines, *below))
    now = _index_at(tokens_now, sum(map(len, above)) + chunk.start)
    callee = callee_at(tokens, at + (chunk.kept[0] if chunk.kept else 0))
    if callee and not chunk.is_lines and callee.split()[-1:] != callee_at(tokens_now, now).split()[-1:]:
        return None  # in the brackets of another call they tell nothing alone
    told_by, is_all_of_line = (0, 0), False
    if not is_telling:
        beside_now = context_of(tokens_now, now, now + len(tokens_in([chunk.text])))
        told_by = _told_by((before, behind), beside_now)
        if told_by == (0, 0):
            return None
        is_all_of_line = changes_all_of_line(chunk, edit)
        ends = {*chunk.old[:1], *chunk.old[-1:], *chunk.new[:1], *chunk.new[-1:]}
        is_part = not is_all_of_line and (not chunk.new or behind[:1] == ("(",) or not ends.isdisjoint(_MARKS_BETWEEN))
        is_torn = behind[:1] in ((".",), ("[",), ("(",)) and not is_chain(chunk.new)
        if is_part or is_torn:
            return None  # it is only a part of what became of an expression
    line = lines[tokens[at].line]
    joins_lines = tokens[at].line < tokens[end - 1].line and "\n" not in chunk.text
    blanks, line = blanks_before(line), line.strip()
    return Pattern(chunk, edit, before, behind, callee, line, blanks, joins_lines, told_by, is_all_of_line, beside)


@lru_cache(maxsize=256)
def _tokens_of(lines: tuple[str, ...]) -> Sequence[Token]:
    """Return the tokens of the lines of an edit or around it, which has several changes."""
    return tokens_in(lines)


def _lines_beside(tokens: Sequence[Token], at: int, lines: Sequence[str], first: str) -> LinesBeside | None:
    """Return the lines above and below the new lines that begin with `first`; None for those that stand elsewhere."""
    if not FRAME <= at <= len(tokens) - FRAME or tokens[at].line != tokens[at - 1].line + 1:
        return None
    above, below = (lines[tokens[index].line] for index in (at - 1, at))
    if not identifiers(f"{above} {below}"):
        return None
    is_as_below = blanks_before(first) == blanks_before(below)
    if not is_as_below and blanks_before(first) != blanks_before(above):
        return None
    return LinesBeside(above.strip(), below.strip(), is_as_below)


def _is_part_of_lines(chunk: Chunk, edit: Edit, beside: LinesBeside) -> bool:
    """Return whether a line beside the new ones has changed too: all of them came for it."""
    above, below = edit.new_lines[: chunk.line], edit.new_lines[chunk.end_line :]
    is_above_kept = not above or above[-1].strip() == beside.above
    is_below_kept = not below or below[0].strip() == beside.below
    return not (is_above_kept and is_below_kept)


def _is_new_code(edit: Edit) -> bool:
    """Return whether much more came than went: what the two have in common tells nothing."""
    return len(_tokens_of(edit.new_lines)) > len(_tokens_of(edit.old_lines)) + _NEW_CODE_TOKENS


def _may_be_told(chunk: Chunk) -> bool:
    """Return whether a change that tells too little by itself has a name, and is no rename and no whole line.

    One word that became several tells nothing, even beside equal words: `int` is not `Optional[int]` everywhere.
    """
    if len(chunk.old) == 1 < len(chunk.new):
        return False
    names = (str(part) for part in (*chunk.old, *chunk.new) if str(part).isidentifier() and not iskeyword(str(part)))
    has_name = any(len(name) >= _LEAST_NAME for name in names)
    return has_name and not (chunk.kept or chunk.is_lines or _is_rename(chunk))


def _told_by(beside: Sequence[Sequence[str]], beside_now: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Return how many tokens before and behind a change tell where the same may change: those that stayed."""
    pairs = [(old[:FRAME], now[:FRAME]) for old, now in zip(beside, beside_now, strict=True)]
    before, behind = (FRAME if old == now and _is_frame(old) else 0 for old, now in pairs)
    return before, behind


def changes_all_of_line(chunk: Chunk, edit: Edit) -> bool:
    """Return whether nothing else has changed in the line, in which the same may have changed more than once."""
    tokens = _tokens_of(edit.old_lines)
    line = tokens[chunk.at].line
    now = edit.new_lines[chunk.line] if chunk.line < len(edit.new_lines) else ""
    texts = [" ".join(["", *(token.text for token in tokens_in([one])), ""]) for one in (edit.old_lines[line], now)]
    old, new = ("".join(f"{part} " for part in parts) for parts in (chunk.old, chunk.new))
    return texts[0].replace(f" {old}", f" {new}") == texts[1]


def _is_frame(tokens: Sequence[str]) -> bool:
    """Return whether tokens beside a change are enough, of its line, and have a name among them."""
    return len(tokens) == FRAME and _LINE not in tokens and any(token.isidentifier() for token in tokens)


def _index_at(tokens: Sequence[Token], place: int) -> int:
    """Return the index of the first token from a character on."""
    return next((index for index, token in enumerate(tokens) if token.start >= place), len(tokens))


def says_enough(chunk: Chunk) -> bool:
    """Return whether what was changed tells by itself that the same may change elsewhere.

    One name that became another one elsewhere too is a rename, unless the name is all that changed.
    """
    if chunk.kept:
        names = [part for part in chunk.came if isinstance(part, str) and part.isidentifier()]
        return any(len(name) >= _TELLING_INSERTED and not iskeyword(name) for name in names)
    code = [part for part in chunk.old if isinstance(part, str) and part[0] not in "\"'`"]
    is_long = len(code) >= _TELLING_TOKENS
    if not is_long and not any(len(name) >= _TELLING_LETTERS for name in identifiers(" ".join(code))):
        return False
    if not chunk.new:
        return len(chunk.old) > 1
    return not _is_rename(chunk)


def _is_rename(chunk: Chunk) -> bool:
    """Return whether nothing but one name among others became another one."""
    pairs = {pair for pair in zip(chunk.old, chunk.new, strict=False) if pair[0] != pair[1]}
    return len(chunk.old) == len(chunk.new) > 1 and len(pairs) == 1


def is_chain(parts: Sequence[Part]) -> bool:
    """Return whether the parts are a name or names with dots between."""
    return all(part == "." if index % 2 else str(part).isidentifier() for index, part in enumerate(parts))


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


def are_calls_of_one(callee: str, other: str) -> bool:
    """Return whether a place is in a call of the same function as another, or of methods of one name, or in headers."""
    return _called(callee) == _called(other)


def _called(callee: str) -> Sequence[str]:
    words = callee.split()
    return words[:1] if words[:1] and words[0] in _MARKS else words[1:] if "." in words else words


def _opening_before(tokens: Sequence[Token], at: int) -> int:
    """Return the index of the open bracket that the place is directly in; 0 for none."""
    depth = 0
    for index in range(at - 1, 0, -1):
        depth += depth_step(tokens[index].text)
        if depth > 0:
            return index
    return 0


@lru_cache(maxsize=1024)
def _expression(parts: tuple[Part, ...], before: tuple[str, ...] = (), behind: tuple[str, ...] = ()) -> re.Pattern[str]:
    """Return an expression for tokens with any blanks between them; with those beside, for the tokens beside either."""
    # Without a look behind the first token, which is compared later, the search is many times faster.
    texts = [_escaped(part) if isinstance(part, str) else r"[^\n]{1,100}?" for part in parts]
    if not before and not behind:
        return re.compile(r"\s*".join(texts).removeprefix(_WORD_BEGINS))
    framed = []
    if before:
        framed.append(r"\s*".join([*map(_escaped, before), f"({texts[0]})", *texts[1:]]).removeprefix(_WORD_BEGINS))
    if behind:
        framed.append(r"\s*".join([f"({texts[0]})", *texts[1:], *map(_escaped, behind)]))
    return re.compile("|".join(framed))


def _escaped(token: str) -> str:
    is_word = token[0].isalnum() or token[0] == "_"
    return rf"{_WORD_BEGINS}{re.escape(token)}(?![\w$])" if is_word else re.escape(token)


def blanks_before(line: str) -> str:
    """Return the blanks at the beginning of a line."""
    return line[: len(line) - len(line.lstrip())]
