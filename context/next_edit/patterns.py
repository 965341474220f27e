"""The pattern of a change: what became what, and the tokens that stood around it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from keyword import iskeyword

from context.documents.document import Document
from context.documents.edits import Edit
from context.index.terms import identifiers
from context.next_edit.chunks import Chunk, Part, Token, tokens_in

MOST_CONTEXT = 4  # tokens on each side that are compared
LINES_ABOVE, LINES_BELOW = 6, 12  # of a place, in which these tokens are looked for
_LINE = "\n"  # stands between the tokens of two lines
_TELLING_LETTERS = 4
_TELLING_INSERTED = 3
_TELLING_TOKENS = 8  # so many tell something even without a name
_NEW_CODE_TOKENS = 40  # that came; so many are written once
_WORD_BEGINS = r"(?<![\w$])"
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_MARKS = frozenset({"def", "func", "function", "class", "."})
_COMMENT = ("#", "/")


@dataclass(frozen=True)
class Pattern:
    """A change with the tokens that stood around it, the nearest first. `callee` is the call that it lies in.

    `line` is the old line that it begins in, without the blanks around it. `joins_lines`: what stood on several lines
    stands on one.
    """

    chunk: Chunk
    edit: Edit
    before: tuple[str, ...]
    behind: tuple[str, ...]
    callee: str
    expression: re.Pattern[str]  # for the text where it may fit
    line: str
    joins_lines: bool


def pattern_of(edit: Edit, chunk: Chunk, document: Document) -> Pattern | None:
    """Return the pattern of one change; None for one that tells too little. The edit stands in the document."""
    is_new_code = len(chunk.new) > len(chunk.old) + _NEW_CODE_TOKENS
    if is_new_code or not says_enough(chunk) or str(chunk.old[0])[0] in _COMMENT:
        return None
    above = document.lines[max(0, edit.first_line - LINES_ABOVE) : edit.first_line]
    below = document.lines[edit.first_line + len(edit.new_lines) :][:LINES_BELOW]
    lines = (*above, *edit.old_lines, *below)
    tokens = tokens_in(lines)
    shift = len(tokens_in(above))
    at, end = chunk.at + shift, chunk.end + shift
    before, behind = context_of(tokens, at, end)
    callee = callee_at(tokens, at + (chunk.kept[0] if chunk.kept else 0))
    if (
        callee
        and not chunk.is_lines
        and callee.split()[-1:] != _callee_now((*above, *edit.new_lines), sum(map(len, above)), chunk).split()[-1:]
    ):
        return None
    line = lines[tokens[at].line].strip()
    joins_lines = tokens[at].line < tokens[end - 1].line and "\n" not in chunk.text
    return Pattern(chunk, edit, before, behind, callee, _expression(chunk.old), line, joins_lines)


def _callee_now(lines: Sequence[str], characters_above: int, chunk: Chunk) -> str:
    """Return the name whose brackets the changed tokens are in now: in those of another one they tell nothing alone."""
    tokens = tokens_in(lines)
    place = characters_above + chunk.start
    return callee_at(tokens, next((n for n, token in enumerate(tokens) if token.start >= place), len(tokens)))


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
        depth += _step(tokens[index].text)
        if depth > 0:
            return index
    return 0


def _step(token: str) -> int:
    return (token in _OPENING) - (token in _CLOSING)


@lru_cache(maxsize=1024)
def _expression(parts: tuple[Part, ...]) -> re.Pattern[str]:
    """Return an expression for tokens with any blanks between them."""
    # Without a look behind the first token, which is compared later, the search is many times faster.
    texts = [_escaped(part) if isinstance(part, str) else r"[^\n]{1,100}?" for part in parts]
    return re.compile(r"\s*".join(texts).removeprefix(_WORD_BEGINS))


def _escaped(token: str) -> str:
    is_word = token[0].isalnum() or token[0] == "_"
    return rf"{_WORD_BEGINS}{re.escape(token)}(?![\w$])" if is_word else re.escape(token)
