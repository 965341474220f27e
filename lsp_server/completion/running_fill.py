"""The fill that runs for a keystroke, and goes on for the next ones as long as they type what the model writes."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

from context.documents.snapshot import Snapshot
from lsp_server.completion.pipeline import Filled
from lsp_server.completion.postprocess import Cleaned

# An editor cancels the request of the last key just before it sends that of the next one.
_UNWANTED_S = 0.25


class RunningFill:
    """Fills the hole at the cursor of `snapshot`. Lives on the event loop alone.

    What the model has written so far is compared with what the user types, so the next keystroke need not begin again
    what this one has begun.
    """

    def __init__(
        self, snapshot: Snapshot, max_lines: int, fill: Callable[[Callable[[str], None]], Awaitable[Filled]]
    ) -> None:
        """`fill` tells the function that it is given each piece of the output."""
        self.snapshot = snapshot
        self.max_lines = max_lines
        self._written = ""
        self._waiting = 0
        self._end_soon: asyncio.TimerHandle | None = None  # while nobody waits
        self._news = asyncio.Event()  # more is written, or the fill has ended
        self._task = asyncio.ensure_future(fill(self._note))
        self._task.add_done_callback(self._note_end)

    @property
    def is_running(self) -> bool:
        """True until the fill has ended."""
        return not self._task.done()

    def may_answer(self, snapshot: Snapshot, max_lines: int) -> bool:
        """Return whether the output so far agrees with what was typed at the cursor since."""
        typed = self._typed_at(snapshot.document.text, snapshot.cursor)
        return typed is not None and max_lines == self.max_lines and self._agrees(typed)

    def may_fit(self, now: str) -> bool:
        """Return whether the output so far agrees with this text of the document, wherever the cursor is."""
        before = self.snapshot.document.text
        typed = self._typed_at(now, self.snapshot.cursor + len(now) - len(before))
        return typed is not None and self._agrees(typed)

    async def filled_at(self, snapshot: Snapshot) -> Filled | None:
        """Wait for the text behind what was typed. None as soon as the model writes something else, or has failed."""
        typed = self._typed_at(snapshot.document.text, snapshot.cursor) or ""
        self._begin_waiting()
        try:
            while not self._task.done():
                if not self._agrees(typed):
                    return None
                self._news.clear()
                await self._news.wait()
        finally:
            self._stop_waiting()
        if self._task.cancelled() or self._task.exception() is not None:
            return None
        return _behind(self._task.result(), typed)

    async def filled(self) -> Filled:
        """Wait for the whole text. Cancelling this leaves the fill running for a moment. Raises MidspanError."""
        self._begin_waiting()
        try:
            return await asyncio.shield(self._task)
        finally:
            self._stop_waiting()

    def end(self) -> None:
        """End the fill."""
        self._task.cancel()

    def _note(self, piece: str) -> None:
        self._written += piece
        self._news.set()

    def _note_end(self, task: "asyncio.Task[Filled]") -> None:
        self._news.set()
        with suppress(asyncio.CancelledError):
            task.exception()  # an error that nobody waits for: a request at that place meets it again

    def _agrees(self, typed: str) -> bool:
        return self._written.startswith(typed) or typed.startswith(self._written)

    def _typed_at(self, now: str, cursor: int) -> str | None:
        """Return what was typed at the cursor of the fill; None when anything else has changed."""
        before, start = self.snapshot.document.text, self.snapshot.cursor
        is_behind = start <= cursor == start + len(now) - len(before)
        if not is_behind or not now.startswith(before[:start]) or not now.endswith(before[start:]):
            return None
        return now[start:cursor].replace("\r\n", "\n")

    def _begin_waiting(self) -> None:
        self._waiting += 1
        if self._end_soon is not None:
            self._end_soon.cancel()
            self._end_soon = None

    def _stop_waiting(self) -> None:
        self._waiting -= 1
        if not self._waiting and not self._task.done():
            self._end_soon = asyncio.get_running_loop().call_later(_UNWANTED_S, self._task.cancel)


def _behind(filled: Filled, typed: str) -> Filled | None:
    """Return the part behind `typed` of the text that may be shown unasked; None when there is none."""
    if not filled.unasked.startswith(typed) or filled.unasked == typed:
        return None
    rest = filled.unasked[len(typed) :]
    return replace(filled, candidates=(Cleaned(rest),), unasked=rest)
