"""The notices to a client that the status has changed."""

import asyncio
from collections.abc import Callable
from typing import Any

_EVERY_S = 0.2
# The rest of the status counts requests and pages, and changes at every moment.
_TOLD = ("completion", "chat", "busy")


class StatusChanges:
    """Tells the client of changes at most five times a second. Lives on the event loop alone."""

    def __init__(self, read: Callable[[], dict[str, Any]], tell: Callable[[dict[str, Any]], None]) -> None:
        self.is_wanted = False  # by the client
        self._read = read
        self._tell = tell
        self._told: list[Any] = []
        self._waiting: asyncio.TimerHandle | None = None

    def look_soon(self) -> None:
        """Compare the status a moment later. Call this whenever something may have changed."""
        if self.is_wanted and self._waiting is None:
            self._waiting = asyncio.get_running_loop().call_later(_EVERY_S, self._look)

    def end(self) -> None:
        """Tell the client nothing more."""
        self.is_wanted = False
        if self._waiting is not None:
            self._waiting.cancel()

    def _look(self) -> None:
        self._waiting = None
        status = self._read()
        now = [status[name] for name in _TOLD]
        if now != self._told:
            self._told = now
            self._tell(status)
