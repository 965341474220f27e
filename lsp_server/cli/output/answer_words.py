"""The words around an answer in the terminal: the progress before it, and the files that it is from."""

import sys
from collections.abc import Sequence

from lsp_server.chat.used_parts import UsedPart
from midspan.visible_text import visible_line

_CLEAR_LINE = "\r\x1b[K"


class ProgressLine:
    """A line on stderr that says what goes on, and is gone afterwards. Nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self._is_shown = False

    def say(self, words: str) -> None:
        """Show these words in place of those before."""
        if sys.stderr.isatty():
            print(f"{_CLEAR_LINE}{visible_line(words)}", end="", file=sys.stderr, flush=True)
            self._is_shown = True

    def end(self) -> None:
        """Remove the line."""
        if self._is_shown:
            print(_CLEAR_LINE, end="", file=sys.stderr, flush=True)
            self._is_shown = False


def used_in_words(used: Sequence[UsedPart]) -> str:
    """Return a line for each part, as path:line, which terminals make a link of, with why it was used."""
    if not used:
        return ""
    places = [f"{part.path}:{part.first_line + 1}-{part.last_line + 1}" for part in used]
    width = max(map(len, places))
    rows = (f"  {place:{width}}  {part.why}" for place, part in zip(places, used, strict=True))
    return "\n".join(["The answer is from:", *map(visible_line, rows)])
