"""$/progress while an index is built."""

import asyncio
from collections.abc import Callable, Container
from pathlib import Path

from lsprotocol import types
from pygls.lsp.server import LanguageServer

_REPORT_SECONDS = 0.25
_MIN_FILES = 50  # fewer are read before a bar is seen


class IndexProgress:
    """A bar for each root. `note` is called on a workspace's thread; the rest lives on the event loop."""

    def __init__(
        self, server: LanguageServer, loop: asyncio.AbstractEventLoop, roots: Callable[[], Container[Path]]
    ) -> None:
        """`roots` returns the roots that are open now: a closed one tells nothing of its end."""
        self._server = server
        self._loop = loop
        self._roots = roots
        self._counts: dict[Path, tuple[int, int]] = {}  # of the roots that are being read
        self._bars: dict[Path, asyncio.Task[None]] = {}
        self._number = 0

    def note(self, root: Path, done: int, total: int) -> None:
        """Note that `done` of `total` files are read; 0 of 0 when indexing is over."""
        is_new = root not in self._counts
        if total == 0:
            self._counts.pop(root, None)
        elif total >= _MIN_FILES:
            self._counts[root] = (done, total)
            if is_new and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._show, root)

    def _show(self, root: Path) -> None:
        if root not in self._bars and root in self._roots():
            self._bars[root] = asyncio.ensure_future(self._draw(root))
            self._bars[root].add_done_callback(lambda _: self._bars.pop(root))

    async def _draw(self, root: Path) -> None:
        progress = self._server.work_done_progress
        self._number += 1
        token = f"midspan-index-{self._number}"
        await progress.create_async(token)
        progress.begin(token, types.WorkDoneProgressBegin(f"Indexing {root.name}", percentage=0))
        while root in self._roots() and (counts := self._counts.get(root)) is not None:
            done, total = counts
            message = f"{done:,} of {total:,} files"
            progress.report(token, types.WorkDoneProgressReport(message=message, percentage=100 * done // total))
            await asyncio.sleep(_REPORT_SECONDS)
        if root not in self._roots():
            self._counts.pop(root, None)  # if it is opened again, it has a bar again
        progress.end(token, types.WorkDoneProgressEnd())
