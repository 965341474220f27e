"""The holes of FIM documents: most are cut where people stop typing and expect text.

All offsets are characters. A middle ends where a completion would end (end of a line, a closing
bracket, a dedent), so that the model learns to stop there by itself.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from training.documents.related import EVERYWHERE, IDENTIFIER, identifiers

# After a dot, an open bracket, an operator, a comma or a keyword: typing pauses there.
PAUSE = re.compile(
    r"[.(\[{,=:]|->|(?:=|,|:|->|[-+*/<>]|&&|\|\|) |\b(?:return|import|from|in|not|if|and|or|raise|await|new|const|let"
    r"|var|func|function|fn|case|throw|struct) "
)
# Not "#include", and not a pointer's "*p": a space follows the mark of prose.
PROSE_LINE = re.compile(r"[ \t]*(?:#|//[/!]?|/?\*+)[ \t]")
DOCSTRING_QUOTES = ('"""', "'''")
COMMENT_LINES = re.compile(r"(?:[ \t]*//[^\n]*\n)+")
KINDS = ("rest_of_line", "whole_lines", "next_lines", "in_brackets", "random_span", "nothing")
WEIGHTS = (46, 16, 18, 8, 10, 2)
MAX_MIDDLE_LINES = 8
MAX_SPAN_CHARS = 160
CLOSERS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class Reach:
    """The text that a document may show around a hole: so many characters before it and after it."""

    before: int
    after: int


@dataclass(frozen=True)
class Hole:
    """A hole in a file; its middle is `text[start:end]`."""

    start: int
    end: int


def skip_prose(path: str, text: str, near: int) -> int:
    """The start of the line behind the docstring or the comment around `near`, or `near` when it is in none."""
    if path.endswith(".py"):
        for quotes in DOCSTRING_QUOTES:
            if text.count(quotes, 0, near) % 2:
                return _line_behind(text, quotes, near)
        return near
    if text.rfind("/*", 0, near) > text.rfind("*/", 0, near):
        return _line_behind(text, "*/", near)
    comments = COMMENT_LINES.match(text, text.rfind("\n", 0, near) + 1)
    return comments.end() if comments and comments.end() < len(text) else near


def _line_behind(text: str, mark: str, near: int) -> int:
    """The start of the line after the next mark, or `near` where the text ends there."""
    close = text.find(mark, near)
    after = text.find("\n", close) + 1 if close >= 0 else 0
    return after if 0 < after < len(text) else near


def choose_hole(text: str, near: int, rng: Random) -> Hole:
    """A hole that starts on the first line with code at or after the offset `near`."""
    line_start = text.rfind("\n", 0, near) + 1
    line_end = text.find("\n", line_start)
    while line_end >= 0 and not text[line_start:line_end].strip():
        line_start, line_end = line_end + 1, text.find("\n", line_end + 1)
    if line_end < 0:
        return Hole(near, len(text))
    kind = rng.choices(KINDS, WEIGHTS)[0]
    if kind == "whole_lines":
        # With the line's end, or as on an empty line, whose end stands behind the cursor.
        return Hole(line_start, _end_of_lines(text, line_start, rng) + rng.randrange(2))
    if kind == "next_lines":
        # The middle starts with the newline, as after typing `def f(x):`, or within the line.
        start = line_end if rng.random() < 0.6 else pause_in(text, line_start, line_end, rng)
        return Hole(start, _end_of_lines(text, line_end + 1, rng))
    if kind == "in_brackets":
        found = _inside_brackets(text, line_start, line_end, rng)
        if found is not None:
            return found
    if kind == "random_span":
        start = rng.randrange(line_start, line_end + 1)
        return Hole(start, min(len(text), start + rng.randint(1, MAX_SPAN_CHARS)))
    start = pause_in(text, line_start, line_end, rng)
    return Hole(start, start if kind == "nothing" else line_end)


@dataclass(frozen=True)
class NameHole:
    """A hole at a name, and the name."""

    hole: Hole
    name: str


def choose_name_hole(text: str, near: int, others: Sequence[str], reach: Reach, rng: Random) -> NameHole | None:
    """The rest of a line from within the first name at or after `near` that others have and this text shows nowhere.

    It shows what the reach says. Names in comments are passed over. Returns None where there is no such name.
    """
    seen = identifiers(text[max(0, near - reach.before) : near])
    for match in IDENTIFIER.finditer(text, near, near + reach.before):
        name = match.group()
        if name not in seen and name not in EVERYWHERE and any(name in other for other in others):
            line_end = text.find("\n", match.end())
            line_end = len(text) if line_end < 0 else line_end
            if name not in text[line_end : line_end + reach.after] and not _is_prose(text, match.start()):
                return NameHole(Hole(match.start() + rng.randrange(len(name)), line_end), name)
        seen.add(name)
    return None


def _is_prose(text: str, offset: int) -> bool:
    """Return whether the place is in a comment that begins its line, or in a docstring."""
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    return PROSE_LINE.match(line) is not None or any(text.count(quotes, 0, offset) % 2 for quotes in DOCSTRING_QUOTES)


def pause_in(text: str, line_start: int, line_end: int, rng: Random) -> int:
    """An offset in the line: after its indentation, at a pause, or anywhere."""
    line = text[line_start:line_end]
    code_start = line_start + len(line) - len(line.lstrip())
    chance = rng.random()
    if chance < 0.2:
        return code_start
    pauses = [match.end() + line_start for match in PAUSE.finditer(line)]
    pauses = pauses[bisect_left(pauses, code_start) :]
    if chance < 0.65 and pauses:
        return rng.choice(pauses)
    return rng.randrange(code_start, line_end)


def _end_of_lines(text: str, first: int, rng: Random) -> int:
    """Offset of the newline that ends a run of lines from the line start `first`.

    Often one line; else until the block ends (a line indented less than the first), at most
    `MAX_MIDDLE_LINES` or a smaller number drawn.
    """
    limit = 1 if rng.random() < 0.45 else rng.randint(2, MAX_MIDDLE_LINES)
    indent: int | None = None
    end, position = first - 1, first
    for _ in range(limit):
        line_end = text.find("\n", position)
        if line_end < 0:
            break
        line = text[position:line_end]
        if line.strip():
            width = len(line) - len(line.lstrip())
            if indent is not None and width < indent:
                break
            indent = width if indent is None else indent
            end = line_end
        elif limit == 1:
            end = line_end
        position = line_end + 1
    return max(end, first - 1)


def _inside_brackets(text: str, line_start: int, line_end: int, rng: Random) -> Hole | None:
    """The text between a bracket and its closer on the same line: editors type the closer."""
    opens = [i for i in range(line_start, line_end) if text[i] in CLOSERS]
    if not opens:
        return None
    start = rng.choice(opens)
    depth = 0
    for i in range(start, line_end):
        depth += (text[i] in "([{") - (text[i] in ")]}")
        if depth == 0:
            return Hole(start + 1, i)
    return None
