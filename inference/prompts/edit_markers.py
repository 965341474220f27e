"""The numbered markers of Zeta 2.1: they cut a window into blocks, and an output names the blocks that it replaces.

The blocks have 6 to 16 lines and begin, where that is possible, behind a blank line, and not with a line that closes
something. A marker stands right before its block, without a newline.
"""

import re
from collections.abc import Sequence

MARKER = re.compile(r"<\|marker_(\d+)\|>")
CURSOR = "<|user_cursor|>"
_FEWEST_LINES, _MOST_LINES = 6, 16
_MOST_SKIPPED = 5
_TAILS = {"break", "continue", "return", "throw", "end"}


def mark_blocks(window: str, cursor: int) -> str:
    """Return the window with its markers and the cursor."""
    cuts = block_starts(window)
    marked, is_placed = [], False
    for number, cut in enumerate(cuts, 1):
        marked.append(f"<|marker_{number}|>")
        block_end = cuts[number] if number < len(cuts) else cut
        block = window[cut:block_end]
        if not is_placed and cut <= cursor <= block_end:
            is_placed = True
            block = block[: cursor - cut] + CURSOR + block[cursor - cut :]
        marked.append(block)
    return "".join(marked)


def read_blocks(output: str, window: str) -> str | None:
    """Return the window after an output; None for one without two markers of the window, in their order."""
    found = list(MARKER.finditer(output))
    cuts = block_starts(window)
    numbers = [int(match[1]) - 1 for match in found]
    if len(found) < 2 or not all(0 <= number < len(cuts) for number in numbers):
        return None
    if numbers[0] == numbers[-1]:
        return window
    if numbers != sorted(numbers):
        return None
    inside = output[found[0].end() : found[-1].start()]
    text = MARKER.sub("", inside).replace(CURSOR, "")
    return window[: cuts[numbers[0]]] + text + window[cuts[numbers[-1]] :]


def block_starts(window: str) -> list[int]:
    """Return the offset of each block, and the end of the window."""
    lines = window.splitlines(keepends=True)
    starts, last, line = [0], 0, 0
    while line < len(lines):
        is_after_blank = line > 0 and bool(lines[line].strip()) and not lines[line - 1].strip()
        is_long = line - last >= _MOST_LINES
        if line - last >= _FEWEST_LINES and (is_after_blank or is_long):
            target = _good_start(lines, line)
            if is_long or len(lines) - target >= _FEWEST_LINES:
                starts.append(sum(map(len, lines[:target])))
                last, line = target, target
        line += 1
    return [*starts, len(window)]


def _good_start(lines: Sequence[str], line: int) -> int:
    """Return the next line that begins something, else the line itself."""
    candidates = range(line, min(len(lines), line + _MOST_SKIPPED))
    return next((at for at in candidates if lines[at].strip() and not _is_tail(lines[at].strip())), line)


def _is_tail(line: str) -> bool:
    return line[0] in "}])" or line.rstrip(";") in _TAILS
