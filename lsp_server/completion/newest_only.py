"""At most one piece of work for each document: a newer one takes the place of an older one."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class NewestOnly:
    """Neovim never cancels what it asked for at an earlier keystroke, so the server does."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Task[Any]] = {}

    async def run(self, key: str, work: Coroutine[Any, Any, T]) -> T | None:
        """The result of `work`, or None when newer work under the same key ended it."""
        self.end(key)
        task = asyncio.ensure_future(work)
        self._running[key] = task
        try:
            return await task
        except asyncio.CancelledError:
            waiter = asyncio.current_task()
            if waiter is not None and waiter.cancelling():  # not superseded: the client cancelled
                raise
            return None
        finally:
            if self._running.get(key) is task:
                del self._running[key]

    def end(self, key: str) -> None:
        """Ends the work under this key, if there is some."""
        if (older := self._running.pop(key, None)) is not None:
            older.cancel()

    def end_all(self) -> None:
        """Ends all of it."""
        for key in list(self._running):
            self.end(key)

    def __len__(self) -> int:
        return len(self._running)
