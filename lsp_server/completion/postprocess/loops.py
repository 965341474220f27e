"""A model that goes round in a loop, so often that no code does: nothing more comes of it, however it goes on.

Whether it does is judged from the beginning of a text alone. So a fill may be ended as soon as it is certain, and what
is shown is what would be shown of it had it run to its limit.
"""

import math
import re
from collections.abc import Sequence

from lsp_server.completion.postprocess.repetition import is_telling

# So often a unit stands in a row, from so many characters on. Of 605,000 lines of Python packages and C headers two
# have so many, and three are the last of so many equal lines.
_TIMES = ((21, 4), (9, 6), (3, 12))
_TIMES_IN_A_TABLE = ((9, 12), (3, 24))
_TINY = 2
_TINY_CHARACTERS = 72  # a hash has 64
_ROUNDS_OF_A_LINE, _ROUNDS_OF_A_BLOCK = 5, 3
_MOST_BLOCK_LINES = 6

# At each place the shortest unit that stands there four times and more. That it is the shortest does not change when
# the text goes on, so what has been found once is found in any longer text.
_RUN = re.compile(r"(?=((.{1,60}?)\2{3,}))")
_LEAST_CHARACTERS = 36  # of any run that is too long
_LETTER = re.compile(r"[^\W\d_]")
_CODE_OF_A_CHARACTER = re.compile(r"\\[xu][0-9A-Fa-f]|0x[0-9A-Fa-f]")


def up_to_loop(text: str, before: str) -> str | None:
    """The text as far as it has come when the loop is certain: "" for one within a line, of which nothing is worth
    showing, else up to the last of some equal lines. None when there is no loop. `before` is of the first line.
    """
    lines = (before + text).split("\n")
    for index, line in enumerate(lines):
        if _loops_within(line[len(before) :] if index == 0 else line):
            return ""
        if index < len(lines) - 1 and _loops_in_lines(lines[: index + 1]):
            return "\n".join(lines[: index + 1])[len(before) :]
    return None


def _loops_within(line: str) -> bool:
    if len(line) < _LEAST_CHARACTERS:
        return False
    return any(len(run[1]) >= len(run[2]) * _times(run[2]) for run in _RUN.finditer(line))


def _times(unit: str) -> float:
    """How often it stands in a row when that is a loop. A ruler, of one or two signs, is never one."""
    if len(unit) <= _TINY:
        return _TINY_CHARACTERS / len(unit) if any(map(str.isalnum, unit)) else math.inf
    is_table = _LETTER.search(unit) is None or _CODE_OF_A_CHARACTER.search(2 * unit) is not None
    return next(times for least, times in (_TIMES_IN_A_TABLE if is_table else _TIMES) if len(unit) >= least)


def _loops_in_lines(lines: Sequence[str]) -> bool:
    """Whether these end in so many rounds of the same lines."""
    for count in range(1, _MOST_BLOCK_LINES + 1):
        rounds = _ROUNDS_OF_A_LINE if count == 1 else _ROUNDS_OF_A_BLOCK
        tail, block = lines[-rounds * count :], lines[-count:]
        if len(tail) == rounds * count and tail == [*block] * rounds and any(map(_is_sentence, block)):
            return True
    return False


def _is_sentence(line: str) -> bool:
    """Rows of numbers, and lines of one word, may stand as often as they like."""
    return is_telling(line) and _LETTER.search(line) is not None
