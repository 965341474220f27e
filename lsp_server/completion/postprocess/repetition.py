"""Cut or detect repetition: a model that is lost writes the same lines again and again."""

import re
from collections.abc import Sequence

# Shorter lines often stand twice in code: "}", "pass", "],".
TELLING_CHARACTERS = 5
_STUTTER = re.compile(r"(.{1,8}?)\1{5,}.{0,8}$|(.{9,60}?)\2{3,}.{0,60}$")
_MOST_BLOCK_LINES = 6
_ROUNDS = 3  # lines that stand twice may be meant


def is_telling(line: str) -> bool:
    """Return whether a line is long enough to be recognized as a copy."""
    return len(line.strip()) >= TELLING_CHARACTERS


def stutters(text: str) -> bool:
    """Return whether a text that was cut off ends in a few characters over and over."""
    return _STUTTER.search(text) is not None


def without_repeated_lines(text: str, before: str) -> str:
    """Cut all rounds but the first of the same lines at the end; `before` is the line up to the cursor."""
    lines = (before + text).split("\n")
    while len(lines) > 1 and not lines[-1].strip():
        lines.pop()
    for count in range(1, _MOST_BLOCK_LINES + 1):
        start = _start_of_rounds(lines, count)
        if start is not None:
            return "\n".join(lines[: start + count])[len(before) :]
    return text


def _start_of_rounds(lines: Sequence[str], count: int) -> int | None:
    """Return the first line of rounds of `count` lines that reach the end; None without such rounds."""
    start = len(lines)
    while start > count and lines[start - 1] == lines[start - 1 - count]:
        start -= 1
    start -= count
    block = lines[start : start + count]
    if len(lines) - start < _ROUNDS * count or not any(is_telling(line) for line in block):
        return None
    return start


def repeats_lines_above(text: str, before: str, lines_above: Sequence[str]) -> bool:
    """Return whether the text is three lines or more, all copied from directly above the cursor's line."""
    lines = [line for line in (before + text).split("\n") if line.strip()]
    above = [line for line in lines_above[-2 * len(lines) - 4 :] if line.strip()]
    return len(lines) >= 3 and sum(map(is_telling, lines)) >= 2 and above[-len(lines) :] == lines
