"""The windows of the current file: its lines before the cursor, and a little of what follows.

Everything here is a function of the text alone, so the same text gives the same tokens. While the user types on a line,
all that stands before that line stays where it is. From line to line, the window's start moves rarely and then by much,
because each move costs a prefill of the whole window.
"""

from collections.abc import Callable
from dataclasses import dataclass

from context.documents.document import Document

CountTokens = Callable[[str], int]

# Text with more characters a token than this is not counted at all: it does not fit. (A tokenizer takes seconds for one
# line of megabytes, and no tokenizer packs source code this densely.)
_MAX_CHARACTERS_A_TOKEN = 16
_CUT_STEP_CHARACTERS = 64  # a long line loses its head in such steps, not at each keystroke
# A part of the window, within these bounds, is kept free for the line that the user types on.
_LINE_RESERVE_TOKENS = (128, 256)
_TOKENS_A_LINE = 10
_MIN_STEP_LINES = 32
# That of a quick prompt: the reserve would take most of it.
_SMALL_WINDOW_TOKENS, _SMALL_RESERVE_PART = 256, 4


@dataclass(frozen=True)
class PrefixNeed:
    """The tokens that a prefix window would take if it had all the room, and the reserve for the current line."""

    tokens: int
    reserve_tokens: int


def measure_prefix(document: Document, cursor: int, limit_tokens: int, count: CountTokens) -> PrefixNeed:
    """Measure the need, up to `limit_tokens`. The need does not change while the user types on a line."""
    line, _ = document.position_at(cursor)
    reserve = _line_reserve(limit_tokens)
    _, used = _first_line_within(document, line, limit_tokens - reserve, count)
    return PrefixNeed(used, reserve)


def prefix_window(document: Document, cursor: int, limit_tokens: int, count: CountTokens) -> tuple[int, str]:
    """Return the number of the first line, and the text from there to the cursor, of at most `limit_tokens`.

    The current line may take a reserve, which is the same whatever the line holds; a longer line loses its head.
    """
    line, column = document.position_at(cursor)
    if limit_tokens <= 0:
        return line, ""
    reserve = _line_reserve(limit_tokens)
    line_start = cursor - column
    head = tail_within(document.text[line_start:cursor], reserve, count)
    first, _ = _first_line_within(document, line, limit_tokens - reserve, count)
    start = _quantized(first, line, _step_lines(limit_tokens))
    return start, document.text[document.line_starts[start] : line_start] + head


def suffix_window(document: Document, cursor: int, limit_tokens: int, rest_tokens: int, count: CountTokens) -> str:
    """Return the rest of the cursor's line, then whole lines while they fit in `limit_tokens`.

    The rest of the line is shown even where the limit is smaller, up to `rest_tokens`: the model would write a rest
    that it does not see a second time.
    """
    line, column = document.position_at(cursor)
    rest = document.lines[line][column:]
    shown = head_within(rest, max(limit_tokens, rest_tokens), count)
    if len(shown) < len(rest):
        return shown
    pieces, used = [shown], count(shown)
    for following in document.lines[line + 1 :]:
        used += count_within(following, limit_tokens - used, count)
        if used > limit_tokens:
            break
        pieces.append(following)
    return "".join(pieces)


def count_within(text: str, limit_tokens: int, count: CountTokens) -> int:
    """Count the tokens of the text; any number over the limit for a text that certainly or nearly exceeds it."""
    if len(text) > max(limit_tokens, 1) * _MAX_CHARACTERS_A_TOKEN:
        return max(limit_tokens, 0) + 1
    return count(text)


def tail_within(text: str, limit_tokens: int, count: CountTokens) -> str:
    """Return the text, or its longest end that fits and begins at a step."""
    if count_within(text, limit_tokens, count) <= limit_tokens:
        return text
    steps = len(text) // _CUT_STEP_CHARACTERS
    # The smallest cut that fits lies in (too_small, enough].
    too_small = max(0, steps - limit_tokens * _MAX_CHARACTERS_A_TOKEN // _CUT_STEP_CHARACTERS - 1)
    enough = steps + 1
    while enough - too_small > 1:
        middle = (too_small + enough) // 2
        fits = count(text[middle * _CUT_STEP_CHARACTERS :]) <= limit_tokens
        too_small, enough = (too_small, middle) if fits else (middle, enough)
    return text[enough * _CUT_STEP_CHARACTERS :]


def head_within(text: str, limit_tokens: int, count: CountTokens) -> str:
    """Return the text, or its longest beginning that fits and ends at a step."""
    if count_within(text, limit_tokens, count) <= limit_tokens:
        return text
    longest = min(len(text), max(limit_tokens, 0) * _MAX_CHARACTERS_A_TOKEN)
    enough, too_large = 0, longest // _CUT_STEP_CHARACTERS + 1
    while too_large - enough > 1:
        middle = (enough + too_large) // 2
        fits = count(text[: middle * _CUT_STEP_CHARACTERS]) <= limit_tokens
        enough, too_large = (middle, too_large) if fits else (enough, middle)
    return text[: enough * _CUT_STEP_CHARACTERS]


def _line_reserve(limit_tokens: int) -> int:
    least, most = _LINE_RESERVE_TOKENS
    part = _SMALL_RESERVE_PART if limit_tokens < _SMALL_WINDOW_TOKENS else 1
    return max(0, min(limit_tokens // part, most, max(least, limit_tokens // 16)))


def _first_line_within(document: Document, line: int, limit_tokens: int, count: CountTokens) -> tuple[int, int]:
    """Return the first of the lines that end before `line` and fit together, and their tokens."""
    used = 0
    lines = document.lines
    for first in range(line, 0, -1):
        tokens = count_within(lines[first - 1], limit_tokens - used, count)
        if used + tokens > limit_tokens:
            return first, used
        used += tokens
    return 0, used


def _step_lines(limit_tokens: int) -> int:
    """Return about a quarter of the window: fewer moves would show too little, more would prefill too often.

    A small window is read in no time, so that it may move with each line.
    """
    if limit_tokens < _SMALL_WINDOW_TOKENS:
        return 1
    step = _MIN_STEP_LINES
    while step * 2 * 4 * _TOKENS_A_LINE <= limit_tokens:
        step *= 2
    return step


def _quantized(first: int, line: int, step: int) -> int:
    """Return the first multiple of the step from `first` on; a smaller step where half of the lines would go."""
    while step > 1:
        start = -(-first // step) * step
        if line - start >= (line - first) / 2:
            return start
        step //= 2
    return first
