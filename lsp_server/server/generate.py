"""A request goes from the event loop to the engine's thread, and its updates come back."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from inference.api import DraftSource, Engine, FinishReason, Request, Trace, Update


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
    loop = asyncio.get_running_loop()
    updates: asyncio.Queue[Update] = asyncio.Queue()

    def deliver(update: Update) -> None:  # on the engine's thread
        with suppress(RuntimeError):  # the loop has closed; nobody waits any more
            loop.call_soon_threadsafe(updates.put_nowait, update)

    generation = engine.submit(request, deliver)
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
