"""A progress bar of files on a terminal."""

import sys
import time

_CHARACTERS = 30
_REDRAW_EVERY_S = 0.1


class ProgressBar:
    """Draws one line of stderr again and again; draws nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._drawn = 0.0

    def draw(self, done: int, total: int) -> None:
        """Draw `done` of `total` files, as a workspace reports them; 0 of 0 draws nothing."""
        now = time.monotonic()
        if not self._is_terminal or total == 0 or (now - self._drawn < _REDRAW_EVERY_S and done < total):
            return
        self._drawn = now
        full = _CHARACTERS * done // total
        bar = "█" * full + "░" * (_CHARACTERS - full)
        print(f"\r{bar} {done:,} of {total:,} files", end="\n" if done == total else "", file=sys.stderr, flush=True)
