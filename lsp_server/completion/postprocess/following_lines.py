"""Cut lines that the model copied from below the cursor."""

from collections.abc import Sequence

from lsp_server.completion.postprocess.block_words import word_depth
from lsp_server.completion.postprocess.lexing import lex
from lsp_server.completion.postprocess.place import Place
from lsp_server.completion.postprocess.repetition import is_telling


def without_following_lines(text: str, place: Place) -> str:
    """Cut last lines that equal the lines below the cursor's line, white space at line ends aside."""
    lines = [line.rstrip() for line in (place.before + text).split("\n")]
    while len(lines) > 1 and not lines[-1]:
        lines.pop()
    for first in range(len(lines)):
        if place.lines_below and lines[first] == place.lines_below[0].rstrip() and _is_copy(lines, first, place):
            kept = "\n".join((place.before + text).split("\n")[:first])
            return kept[len(place.before) :] if first else ""
    return text


def _is_copy(lines: Sequence[str], first: int, place: Place) -> bool:
    copied, below = lines[first:], [line.rstrip() for line in place.lines_below[: len(lines) + 1]]
    if copied != below[: len(copied)]:
        return False
    above = lines[first - 1] if first else "".join(place.lines_above[-1:])
    if len(set(copied)) == 1 and copied[0] in (above, *below[len(copied) : len(copied) + 1]):
        return False  # equal lines in a row are meant, as in a table
    kept, depth = _depth(lines[:first], place.language), _depth(copied, place.language)
    if kept <= 0 and depth < 0:
        return True  # closers without an opener in the text
    if not any(is_telling(line) for line in copied):
        return False
    return depth >= 0 or _closes_too_much(lines, first, place)


def _closes_too_much(lines: Sequence[str], first: int, place: Place) -> bool:
    """Return whether the copied lines close brackets that the same lines below close too."""
    whole, kept = ("\n".join(lines[:count])[len(place.before) :] for count in (len(lines), first))
    surplus = [len(lex(place.above + text + place.below, place.language).closed) for text in (whole, kept)]
    return surplus[0] > surplus[1]


def _depth(lines: Sequence[str], language: str) -> int:
    """Return the number of blocks that brackets and words open, less those that they close."""
    lexed = lex("\n".join(lines), language)
    return len(lexed.opened) - len(lexed.closed) + word_depth(lines, language)
