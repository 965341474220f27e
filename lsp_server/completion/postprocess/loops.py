"""Detect a model in a loop: the text repeats more often than any code does, so the rest is worthless.

A loop is judged from the beginning of a text alone. So generation may stop as soon as a loop is certain, and the shown
text is the same as if the model had run to its limit.
"""

import math
import re
from collections.abc import Sequence

from lsp_server.completion.postprocess.repetition import is_telling

# The least characters of a unit, and the number of times in a row that make it a loop. Of 605,000 lines of Python
# packages and C headers, two lines hold so many, and three lines end so many equal lines.
_TIMES = ((21, 4), (9, 6), (3, 12))
_TIMES_IN_A_TABLE = ((9, 12), (3, 24))
_TINY = 2
_TINY_CHARACTERS = 72  # longer than a hash, which has 64
_ROUNDS_OF_A_LINE, _ROUNDS_OF_A_BLOCK = 5, 3
_MOST_BLOCK_LINES = 6

# Matches, at each offset, the shortest unit that stands there four times or more. A longer text has the same shortest
# unit, so a loop that was found once is found in any longer text. No unit needs more than 72 times to make a loop, and
# without that bound a line of one character costs the square of its length.
_RUN = re.compile(r"(?=((.{1,60}?)\2{3,71}))")
_LEAST_CHARACTERS, _MOST_CHARACTERS = 36, 720  # of the shortest loop, and of the longest when it becomes certain
# A loop that ends within a piece of so many characters has all but the first of its units, and they are 33 characters
# or more, before the end of the piece: so also this many characters before the piece, twice.
_PIECE_CHARACTERS = 25
_TELLTALE_CHARACTERS = 8
_LETTER = re.compile(r"[^\W\d_]")
_CODE_OF_A_CHARACTER = re.compile(r"\\[xu][0-9A-Fa-f]|0x[0-9A-Fa-f]")


def up_to_loop(text: str, before: str) -> str | None:
    """Return the text up to where a loop is certain, or None without a loop.

    A loop within a line leaves "", because nothing of the text is worth showing; a loop of lines leaves the text up to
    the last equal line. `before` is the start of the first line, before the cursor.
    """
    lines = (before + text).split("\n")
    for index, line in enumerate(lines):
        if _loops_within(line[len(before) :] if index == 0 else line):
            return ""
        if index < len(lines) - 1 and _loops_in_lines(lines[: index + 1]):
            return "\n".join(lines[: index + 1])[len(before) :]
    return None


def completes_loop(text: str, begins_at: int, before: str) -> bool:
    """Return whether the piece `text[begins_at:]` makes a loop certain, which was not certain without it.

    Asked of each piece of a text that grows, this is True when `up_to_loop` first finds a loop. It reads only the lines
    that the piece changes.
    """
    start = text.rfind("\n", 0, begins_at) + 1
    first, *rest = text[start:].split("\n")
    position = begins_at - start
    # A loop that began further left was certain before the piece.
    if _may_loop(first, position) and _loops_within(first[max(0, position - _MOST_CHARACTERS) :]):
        return True
    if any(map(_loops_within, rest)):
        return True
    whole = (before + text).split("\n")[:-1] if rest else []
    return any(_loops_in_lines(whole[: len(whole) - later]) for later in range(len(rest)))


def _may_loop(line: str, begins_at: int) -> bool:
    """Return whether a loop may end after `begins_at`: then the characters before it stand further left, too."""
    if len(line) < _LEAST_CHARACTERS:
        return False
    return len(line) - begins_at > _PIECE_CHARACTERS or _stands_further_left(line, begins_at)


def _stands_further_left(line: str, begins_at: int) -> bool:
    return line.rfind(line[begins_at - _TELLTALE_CHARACTERS : begins_at], 0, begins_at - 1) >= 0


def _loops_within(line: str) -> bool:
    if len(line) < _LEAST_CHARACTERS:
        return False
    return any(len(run[1]) >= len(run[2]) * _times(run[2]) for run in _RUN.finditer(line))


def _times(unit: str) -> float:
    """Return how many times in a row make the unit a loop. A ruler, of one or two signs, is never a loop."""
    if len(unit) <= _TINY:
        return _TINY_CHARACTERS / len(unit) if any(map(str.isalnum, unit)) else math.inf
    is_table = _LETTER.search(unit) is None or _CODE_OF_A_CHARACTER.search(2 * unit) is not None
    return next(times for least, times in (_TIMES_IN_A_TABLE if is_table else _TIMES) if len(unit) >= least)


def _loops_in_lines(lines: Sequence[str]) -> bool:
    """Return whether the last lines are the same block, several times in a row."""
    for count in range(1, _MOST_BLOCK_LINES + 1):
        rounds = _ROUNDS_OF_A_LINE if count == 1 else _ROUNDS_OF_A_BLOCK
        tail, block = lines[-rounds * count :], lines[-count:]
        if len(tail) == rounds * count and tail == [*block] * rounds and any(map(_is_sentence, block)):
            return True
    return False


def _is_sentence(line: str) -> bool:
    """Return whether a line says something: rows of numbers, and lines of one short word, may repeat."""
    return is_telling(line) and _LETTER.search(line) is not None
