"""The indentation of lines: its text, its width, and the unit of a file."""

import re
from collections import Counter
from collections.abc import Sequence

# At the end of a line.
OPENS_BLOCK = re.compile(r"([:{(\[]|=>|->|\b(?:do|then|else|begin))\s*$")

_TAB_COLUMNS = 8
_LINES = 2000  # so many lines tell the style of a file
_DEFAULT = "    "


def indentation_of(line: str) -> str:
    """Return the white space that the line begins with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def columns(line: str) -> int:
    """Return the width of the line's indentation."""
    return len(indentation_of(line).expandtabs(_TAB_COLUMNS))


def unit_of(lines: Sequence[str]) -> str:
    """Return the white space that one more level adds in most of the lines."""
    steps: Counter[str] = Counter()
    before = ""
    for line in lines[:_LINES]:
        if not line.strip():
            continue
        indentation = indentation_of(line)
        if indentation.startswith(before) and indentation != before:
            steps[indentation[len(before) :]] += 1
        before = indentation
    return steps.most_common(1)[0][0] if steps else _DEFAULT
