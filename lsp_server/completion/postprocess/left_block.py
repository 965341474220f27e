"""Cut code behind the block around the cursor, where the document has the end of that block below.

The text leaves the block with a closer whose partner stands above the cursor, and goes on behind the statement that the
block belongs to: after `return x` it writes `};` and the next definition, while `};` stands below. Where the text opens
another block, all brackets are paired, so their number says nothing. The syntax tree of the document with the text in
it tells where the statement ends; without one, the text behind the closer does.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from lsp_server.completion.postprocess.filled_tree import end_of_statement, parses_with
from lsp_server.completion.postprocess.lexing import Lexed, is_known, lex
from lsp_server.completion.postprocess.place import Place
from lsp_server.completion.postprocess.statement_end import goes_on_behind

# To lex more would take longer than a keystroke may.
MOST_CHARACTERS = 200_000
_CLOSER_OF = {"(": ")", "[": "]", "{": "}"}


def without_left_block(text: str, place: Place, *, is_stopped: bool) -> str:
    """Cut the text before the closer with which it leaves the cursor's block.

    A model that ended by itself may have meant to end the block and to begin the next one, for the rest of the
    document. It did not where the rest does not fit.
    """
    end = _end_of_block(text, closers_below_cursor(text, place), place)
    if end is None or not (is_stopped or _does_not_fit(text, end, place)):
        return text
    return text[:end]


def has_left_block(text: str, place: Place) -> bool:
    """Return whether the text has left the cursor's block, and a whole line follows. Reads no syntax tree."""
    return any(goes_on_behind(text, closer + 1) is False for closer in closers_below_cursor(text, place))


def closers_below_cursor(text: str, place: Place) -> list[int]:
    """Return the offsets of the closers in the text that end the block around the cursor which the document ends too.

    Of several, each but the first ends a block that the text itself has opened in place of the one before, as an else
    does. Blocks that are open at the end of the document have to be closed by somebody, and count as the innermost.
    """
    if "\n" not in text or not _may_close(text) or not is_known(place.language):
        return []
    if len(place.above) + len(place.below) > MOST_CHARACTERS or place.lexed_above.open_string:
        return []
    start = len(place.above)
    unclosed = sum(opener < start for opener in place.lexed_whole.opened)
    if unclosed >= len(place.lexed_above.opened):
        return []
    closing = _CLOSER_OF[place.above[place.lexed_above.opened[-1 - unclosed]]]
    depth, found = unclosed, []
    for offset, step in _steps(lex(place.above + text, place.language), start):
        depth += step
        if step < 0 and depth == -1 and text[offset - start] == closing:
            found.append(offset - start)
    return found


def _may_close(text: str) -> bool:
    """Return whether the text closes more than it opens somewhere, strings and comments counted as code."""
    depth = 0
    for bracket in re.findall(r"[(\[{)\]}]", text):
        depth += 1 if bracket in "([{" else -1
        if depth < 0:
            return True
    return False


def _steps(lexed: Lexed, start: int) -> Sequence[tuple[int, int]]:
    """Return the brackets from `start` on that have a partner or stay open: 1 for an opener, -1 for a closer."""
    openers = [(offset, 1) for offset in (*lexed.matched.values(), *lexed.opened) if offset >= start]
    return sorted(openers + [(offset, -1) for offset in lexed.matched if offset >= start])


def _end_of_block(text: str, closers: Sequence[int], place: Place) -> int | None:
    """Return the first of the closers that is the last one of its statement; None without one."""
    for closer, following in pairwise((*closers, len(text))):
        goes_on = goes_on_behind(text, closer + 1)
        if goes_on is None:
            continue
        end = end_of_statement(text, closer, place)
        if not goes_on if end is None else closer < end <= following:
            return closer
    return None


def _does_not_fit(text: str, end: int, place: Place) -> bool:
    """Return whether the document is whole with the text up to `end`, and is not with all of it."""
    if text.rstrip()[-1:] in tuple("([{") and place.below.lstrip()[:1] in tuple(")]}"):
        return True  # the text opens a block, and the document closes it at once
    brackets = [_unpaired(part, place) for part in ("", text[:end], text)]
    if brackets[1] <= brackets[0] < brackets[2]:
        return True
    return not parses_with(text, place) and parses_with("", place) and parses_with(text[:end], place)


def _unpaired(text: str, place: Place) -> int:
    lexed = lex(place.above + text + place.below, place.language)
    return len(lexed.opened) + len(lexed.closed)
