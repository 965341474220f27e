"""A model that has lost its way writes the same again and again, until it is stopped."""

import re
from collections.abc import Sequence

# A shorter line may well stand twice: "}", "pass", "],".
TELLING_CHARACTERS = 5
_STUTTER = re.compile(r"(.{1,8}?)\1{5,}.{0,8}$|(.{9,60}?)\2{3,}.{0,60}$")
_MOST_BLOCK_LINES = 6
_ROUNDS = 3  # twice may be meant


def is_telling(line: str) -> bool:
    """Whether a line says enough to be known again."""
    return len(line.strip()) >= TELLING_CHARACTERS


def stutters(text: str) -> bool:
    """Whether the text ends in a few characters over and over. For a text that was cut off: `0, 0, 0]` has an end."""
    return _STUTTER.search(text) is not None


def without_rounds(text: str, before: str) -> str:
    """Ends after the first of three rounds of the same lines that go on to the end; `before` is of the first line."""
    lines = (before + text).split("\n")
    while len(lines) > 1 and not lines[-1].strip():
        lines.pop()
    for count in range(1, _MOST_BLOCK_LINES + 1):
        start = _start_of_rounds(lines, count)
        if start is not None:
            return "\n".join(lines[: start + count])[len(before) :]
    return text


def _start_of_rounds(lines: Sequence[str], count: int) -> int | None:
    """The first line from which on the lines are those `count` lines before, to the end."""
    start = len(lines)
    while start > count and lines[start - 1] == lines[start - 1 - count]:
        start -= 1
    start -= count
    block = lines[start : start + count]
    if len(lines) - start < _ROUNDS * count or not any(is_telling(line) for line in block):
        return None
    return start


def repeats_lines_above(text: str, before: str, lines_above: Sequence[str]) -> bool:
    """Whether three lines and more are exactly those above the cursor's line."""
    lines = [line for line in (before + text).split("\n") if line.strip()]
    above = [line for line in lines_above[-2 * len(lines) - 4 :] if line.strip()]
    return len(lines) >= 3 and sum(map(is_telling, lines)) >= 2 and above[-len(lines) :] == lines
