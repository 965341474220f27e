"""The holes of FIM documents: most are cut where people stop typing and expect text.

All offsets are characters. A middle ends where a completion would end (end of a line, a closing
bracket, a dedent), so that the model learns to stop there by itself.
"""

import re
from bisect import bisect_left
from collections.abc import Set
from dataclasses import dataclass
from random import Random

from training.documents.related import IDENTIFIER, identifiers

# After a dot, an open bracket, an operator, a comma or a keyword: typing pauses there.
PAUSE = re.compile(r"[.(\[{,=:]|(?:=|,|:|->|[-+*/<>]) |\b(?:return|import|from|in|not|if|and|or|raise|await) ")
KINDS = ("rest_of_line", "whole_lines", "next_lines", "in_brackets", "random_span", "nothing")
WEIGHTS = (46, 16, 18, 8, 10, 2)
MAX_MIDDLE_LINES = 8
MAX_SPAN_CHARS = 160
CLOSERS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class Hole:
    """A hole in a file; its middle is `text[start:end]`."""

    start: int
    end: int


def skip_docstring(text: str, near: int) -> int:
    """The end of the line that closes the docstring around `near`, or `near` when it is in none."""
    for quotes in ('"""', "'''"):
        if text.count(quotes, 0, near) % 2:
            close = text.find(quotes, near)
            after = text.find("\n", close) + 1 if close >= 0 else 0
            return after if 0 < after < len(text) else near
    return near


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
        start = line_end if rng.random() < 0.6 else _pause_in(text, line_start, line_end, rng)
        return Hole(start, _end_of_lines(text, line_end + 1, rng))
    if kind == "in_brackets":
        found = _inside_brackets(text, line_start, line_end, rng)
        if found is not None:
            return found
    if kind == "random_span":
        start = rng.randrange(line_start, line_end + 1)
        return Hole(start, min(len(text), start + rng.randint(1, MAX_SPAN_CHARS)))
    start = _pause_in(text, line_start, line_end, rng)
    return Hole(start, start if kind == "nothing" else line_end)


def choose_name_hole(text: str, near: int, known: Set[str], reach: int, rng: Random) -> Hole | None:
    """The rest of a line from within the first name at or after `near` that is known, and new to the file so far.

    The search covers `reach` characters back and ahead; returns None where there is no such name.
    """
    seen = identifiers(text[max(0, near - reach) : near])
    for match in IDENTIFIER.finditer(text, near, near + reach):
        name = match.group()
        if name in known and name not in seen:
            line_end = text.find("\n", match.end())
            return Hole(match.start() + rng.randrange(len(name)), len(text) if line_end < 0 else line_end)
        seen.add(name)
    return None


def _pause_in(text: str, line_start: int, line_end: int, rng: Random) -> int:
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
