"""The completion that comes after the acceptance of the displayed one, computed while the user reads that."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from context.documents.snapshot import Snapshot
from lsp_server.completion.ghost_text.placed_text import PlacedText
from lsp_server.completion.pipeline import Filled


class LookAhead:
    """Computes the completion in `snapshot`, the state after an acceptance. Lives on the event loop alone.

    `max_lines` and `filled` are set by `compute`, as soon as each is known.
    """

    def __init__(
        self,
        displayed_at: Snapshot,
        text: str,
        compute: "Callable[[LookAhead], Awaitable[None]]",
        pause_s: float,
    ) -> None:
        """`text` is displayed at the cursor of `displayed_at`. Nothing is computed before `pause_s`."""
        document, cursor = displayed_at.document, displayed_at.cursor
        inserted = text.replace("\n", "\r\n") if "\r\n" in document.text else text  # as an editor inserts it
        after = document.text[:cursor] + inserted + document.text[cursor:]
        self.snapshot = replace(displayed_at, document=replace(document, text=after), cursor=cursor + len(inserted))
        self.max_lines: int | None = None  # None: the engine is not asked yet
        self.filled: Filled | None = None
        self._placed = PlacedText(document.text, cursor, cursor, text)
        self._compute = compute
        self._pause_s = pause_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to compute, a moment later."""
        self._task = asyncio.ensure_future(self._run())

    def cancel(self) -> None:
        """End the computing."""
        if self._task is not None:
            self._task.cancel()

    def is_same(self, other: "LookAhead") -> bool:
        """True when both lead to the same text and cursor."""
        return self._is_at(other.snapshot)

    def fits(self, now: str) -> bool:
        """True while nothing has happened to the document but that the text, or its beginning, was inserted."""
        return self._placed.progress_in(now) is not None

    async def found_at(self, snapshot: Snapshot, max_lines: int) -> Filled | None:
        """Wait for the completion at this place. None when the engine is not asked for it here, or failed."""
        if self._task is None or self.max_lines != max_lines or not self._is_at(snapshot):
            return None
        await asyncio.wait([self._task])
        return self.filled

    def _is_at(self, snapshot: Snapshot) -> bool:
        mine = self.snapshot
        return (mine.document.text, mine.cursor) == (snapshot.document.text, snapshot.cursor)

    async def _run(self) -> None:
        await asyncio.sleep(self._pause_s)
        await self._compute(self)
