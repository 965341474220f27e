"""The right of way among the engines of a process, which share its cores: background work waits for foreground work."""

import threading
import time
from collections.abc import Callable

# Beside foreground work, background work gets one part of this many of the time, so that it never stands still.
BACKGROUND_SHARE = 8
_LONGEST_WAIT_S = 0.1  # the engine then looks for a cancel
_SLICE_S = _LONGEST_WAIT_S / (BACKGROUND_SHARE - 1)


class RightOfWay:
    """The engines with foreground work. Each engine tells before a step what it is about to do; from any thread."""

    def __init__(self) -> None:
        self._ahead: set[int] = set()  # engines with work in the foreground, by their ids
        self._stop_background: dict[int, Callable[[], None]] = {}  # of every engine that runs
        self._changed = threading.Condition()

    @property
    def is_held(self) -> bool:
        """True while an engine has foreground work."""
        return bool(self._ahead)

    def join(self, engine: int, stop_background: Callable[[], None]) -> None:
        """Take in an engine. `stop_background` stops its step if that is of the background; any thread may call it."""
        with self._changed:
            self._stop_background[engine] = stop_background

    def part(self, engine: int) -> None:
        """Forget an engine that ends."""
        with self._changed:
            self._stop_background.pop(engine, None)
        self.leave(engine)

    def make_way(self, engine: int) -> None:
        """Stop the background steps of the other engines: this one is about to have foreground work."""
        with self._changed:
            for other, stop_background in self._stop_background.items():
                if other != engine:
                    stop_background()
            self._changed.notify_all()  # this engine may be giving way to another

    def go(self, engine: int) -> None:
        """Tell that an engine has foreground work."""
        with self._changed:
            is_new = engine not in self._ahead
            self._ahead.add(engine)
        if is_new:
            self.make_way(engine)

    def leave(self, engine: int) -> None:
        """Tell that an engine has no foreground work any more."""
        with self._changed:
            self._ahead.discard(engine)
            self._changed.notify_all()

    def give_way(self, last_step_s: float, is_called: Callable[[], bool]) -> float | None:
        """Wait before a background step while another engine is ahead, but not longer than the background's share.

        The wait ends when the engine `is_called`, as by a request. Returns the time that the step may run; None: as
        long as it takes.
        """
        wait_s = min((BACKGROUND_SHARE - 1) * last_step_s, _LONGEST_WAIT_S)
        end = time.monotonic() + wait_s
        with self._changed:
            while self._ahead and not is_called() and (left_s := end - time.monotonic()) > 0:
                self._changed.wait(left_s)
            return _SLICE_S if self._ahead else None


RIGHT_OF_WAY = RightOfWay()
