"""The exact suffix of a document whose suffix was moved, computed when the typist rests."""

import asyncio
from collections.abc import Awaitable, Callable

from inference.api import Trace


class ExactSuffix:
    """Has the engine compute the suffix that it has moved, so that it moves a young one next. Event loop alone."""

    def __init__(self) -> None:
        self._was_moved = False
        self._task: asyncio.Task[None] | None = None

    def learn(self, trace: Trace | None) -> None:
        """Note from an answer of the engine whether its suffix was moved."""
        self._was_moved = trace is not None and trace.moved_tokens > 0

    def start(self, compute: Callable[[], Awaitable[bool]], pause_s: float) -> None:
        """After a moved suffix, begin to compute after `pause_s`; `compute` tells whether it succeeded."""
        self.end()
        if self._was_moved:
            self._task = asyncio.ensure_future(self._run(compute, pause_s))

    def end(self) -> None:
        """End the computing: the user types on. What was computed stays in the cache."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self, compute: Callable[[], Awaitable[bool]], pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        if await compute():
            self._was_moved = False
