"""Engines of one process share its cores and its interpreter. Those that only work in the background give way."""

import threading
import time

# Beside work in the foreground, background work has one part in so many: little, but it never stands still.
BACKGROUND_SHARE = 8
# Whoever comes next waits for the step that runs. The background's chunks of prefill are so many times shorter.
BACKGROUND_CHUNK = 4
_LONGEST_WAIT_S = 0.1  # a cancel or a request of its own is seen after it


class RightOfWay:
    """Any thread. Each engine says before a step what it is about to do."""

    def __init__(self) -> None:
        self._ahead: set[int] = set()  # engines with work in the foreground, by their ids
        self._changed = threading.Condition()

    @property
    def is_held(self) -> bool:
        """Whether an engine has work in the foreground."""
        return bool(self._ahead)

    def go(self, engine: int) -> None:
        """It has work in the foreground."""
        with self._changed:
            self._ahead.add(engine)

    def leave(self, engine: int) -> None:
        """It has none any more."""
        with self._changed:
            self._ahead.discard(engine)
            self._changed.notify_all()

    def give_way(self, last_step_s: float) -> None:
        """Before a step of the background: waits while another engine is ahead, but not for longer than its share."""
        wait_s = min((BACKGROUND_SHARE - 1) * last_step_s, _LONGEST_WAIT_S)
        end = time.monotonic() + wait_s
        with self._changed:
            while self._ahead and (left_s := end - time.monotonic()) > 0:
                self._changed.wait(left_s)


RIGHT_OF_WAY = RightOfWay()
