"""The next edits after the acceptance of the offered one, found while the user reads that."""

import asyncio
from collections.abc import Awaitable, Callable

from context.documents.document import Document
from lsp_server.next_edit.edit_state import EditState
from lsp_server.next_edit.next_edit import NextEdit


class EditsAhead:
    """Finds the edits in `state`, that after an acceptance. Lives on the event loop alone."""

    def __init__(self, state: EditState, find: Callable[[EditState], Awaitable[list[NextEdit]]]) -> None:
        self.state = state
        self._changes = state.index_changes
        self._task = asyncio.ensure_future(find(state))

    def cancel(self) -> None:
        """End the search."""
        self._task.cancel()

    def leads_to(self, now: Document) -> bool:
        """Return whether this is the text that the accepted edit gives the document."""
        document = self.state.snapshot.document
        return (document.path, document.text) == (now.path, now.text)

    async def found(self) -> list[NextEdit] | None:
        """Wait for the edits. None when they have to be looked for again.

        That is so where the search has failed, and the request that asks meets the error again, and where it found
        nothing in an index that has changed since.
        """
        await asyncio.wait([self._task])
        if self._task.cancelled() or self._task.exception():
            return None
        found = self._task.result()
        return found if found or self._changes == self.state.index_changes else None
