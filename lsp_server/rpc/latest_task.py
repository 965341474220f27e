"""A task that a newer one of its kind ends."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class LatestTask:
    """Runs one piece of work at a time. Lives on the event loop alone."""

    def __init__(self) -> None:
        self._running: asyncio.Task[Any] | None = None

    @property
    def is_running(self) -> bool:
        return self._running is not None

    async def run(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Return the result of the work, or None when newer work, or `end`, ended it."""
        self.end()
        task = self._running = asyncio.ensure_future(work)
        try:
            result: T = await task
            return result
        except asyncio.CancelledError:
            waiter = asyncio.current_task()
            if waiter is not None and waiter.cancelling():  # the client has cancelled the request
                raise
            return None
        finally:
            if self._running is task:
                self._running = None

    def end(self) -> None:
        """End what runs."""
        if self._running is not None:
            self._running.cancel()
            self._running = None

    async def rested(self) -> None:
        """Wait until nothing runs."""
        while self._running is not None:
            await asyncio.wait([self._running])
