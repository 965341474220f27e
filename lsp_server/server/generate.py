"""A request goes from the event loop to the engine's thread, and its updates come back."""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from inference.api import DraftSource, Engine, FinishReason, Request, Trace, Update

_HELD_S = 0.005  # of pieces that come faster, several are handed over at a time


@dataclass(frozen=True)
class Generated:
    """The output of one request. `trace` is None when the engine was closed while the request ran.

    `pieces` are the texts of its tokens, or of a server's chunks. A token without text, as the newline that ends a line
    too many, has none. `source` names the draft that the text is, where the model has not written it.
    """

    text: str
    finish_reason: FinishReason
    trace: Trace | None
    pieces: tuple[str, ...] = ()
    source: DraftSource | None = None


class _Updates:
    """The updates of one request. Each that wakes the event loop takes a core, and the interpreter, from the engine."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._arrived: deque[Update] = deque()
        self._taken: asyncio.Queue[Update] = asyncio.Queue()
        self._taken_s = -math.inf
        self._next_wakes = True

    def deliver(self, update: Update) -> None:
        """Take an update from the engine's thread. The last one is not held."""
        self._arrived.append(update)
        if self._next_wakes or update.finish_reason is not None:
            self._next_wakes = False
            with suppress(RuntimeError):  # the loop has closed; nobody waits any more
                self._loop.call_soon_threadsafe(self._take)

    async def get(self) -> Update:
        return await self._taken.get()

    def _take(self) -> None:
        self._next_wakes = True
        now_s, count = self._loop.time(), len(self._arrived)
        for _ in range(count):
            self._taken.put_nowait(self._arrived.popleft())
        if count > 1 or (count == 1 and now_s - self._taken_s < _HELD_S):
            self._next_wakes = False
            self._loop.call_later(_HELD_S, self._take)
        self._taken_s = now_s


async def generate(
    engine: Engine,
    request: Request,
    on_text: Callable[[str], None] = lambda text: None,
    is_enough: Callable[[str], bool] = lambda text: False,
) -> Generated:
    """Generate the whole output; `on_text` is told each piece. Cancelling this cancels the generation.

    Once the text so far `is_enough`, generating ends, and the finish reason is "cancelled". Raises the MidspanError
    that ended the request, if one did.
    """
    updates = _Updates()
    generation = engine.submit(request, updates.deliver)
    pieces = []
    try:
        while True:
            update = await updates.get()
            if update.text:
                pieces.append(update.text)
                on_text(update.text)
                if is_enough("".join(pieces)):
                    generation.cancel()
            if update.error is not None:
                raise update.error
            if update.finish_reason is not None:
                return Generated("".join(pieces), update.finish_reason, update.trace, tuple(pieces))
    finally:
        generation.cancel()
