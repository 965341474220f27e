"""The right of way among the engines of a process, which share its cores: background work waits for foreground work."""

import threading
import time

# Beside foreground work, background work gets one part of this many of the time, so that it never stands still.
BACKGROUND_SHARE = 8
# A foreground request waits for the step that runs, so the prefill chunks of background work are this much shorter.
BACKGROUND_CHUNK = 4
_LONGEST_WAIT_S = 0.1  # the engine then looks for a cancel or a new request


class RightOfWay:
    """The engines with foreground work. Each engine tells before a step what it is about to do; from any thread."""

    def __init__(self) -> None:
        self._ahead: set[int] = set()  # engines with work in the foreground, by their ids
        self._changed = threading.Condition()

    @property
    def is_held(self) -> bool:
        """True while an engine has foreground work."""
        return bool(self._ahead)

    def go(self, engine: int) -> None:
        """Tell that an engine has foreground work."""
        with self._changed:
            self._ahead.add(engine)

    def leave(self, engine: int) -> None:
        """Tell that an engine has no foreground work any more."""
        with self._changed:
            self._ahead.discard(engine)
            self._changed.notify_all()

    def give_way(self, last_step_s: float) -> None:
        """Wait before a background step while another engine is ahead, but not longer than the background's share."""
        wait_s = min((BACKGROUND_SHARE - 1) * last_step_s, _LONGEST_WAIT_S)
        end = time.monotonic() + wait_s
        with self._changed:
            while self._ahead and (left_s := end - time.monotonic()) > 0:
                self._changed.wait(left_s)


RIGHT_OF_WAY = RightOfWay()
