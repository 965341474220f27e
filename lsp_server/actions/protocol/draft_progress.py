"""Progress of a draft: the user sees the model's text grow, and may cancel it."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from lsp_server.rpc.endpoint import MidspanProtocol
from lsp_server.server.load_progress import has_progress
from lsp_server.server.server import MidspanServer

_BEGIN_AFTER_S = 0.3  # a progress bar for a shorter action would only flicker
_REPORT_EVERY_S = 0.2
_MAX_CHARACTERS = 60

OnText = Callable[[str], None]


@dataclass(frozen=True)
class ProgressTokens:
    """The tokens under which the client wants progress reports, and each piece of the text."""

    work_done: str | int | None = None
    partial_result: str | int | None = None


@asynccontextmanager
async def draft_progress(server: MidspanServer, title: str, tokens: ProgressTokens) -> AsyncIterator[OnText]:
    """Yield a function that reports a piece of text. When the user cancels the progress, the task is cancelled."""
    protocol = server.protocol
    bar = _Bar(protocol, title, asyncio.current_task())
    showing: asyncio.Task[None] | None = None
    if tokens.work_done is not None:
        bar.begin(tokens.work_done)
    elif has_progress(server.client_capabilities):
        showing = asyncio.ensure_future(bar.show_later())

    def report(text: str) -> None:
        bar.add(text)
        if tokens.partial_result is not None:
            protocol.notify(types.PROGRESS, types.ProgressParams(tokens.partial_result, {"text": text}))

    try:
        yield report
    finally:
        if showing is not None:
            showing.cancel()
        bar.end()


class _Bar:
    """A progress bar in the editor, used on the event loop alone."""

    def __init__(self, protocol: MidspanProtocol, title: str, task: "asyncio.Task[object] | None") -> None:
        self._progress = protocol.progress
        self._title = title
        self._task = task
        self._loop = asyncio.get_running_loop()
        self._token: str | int | None = None
        self._text = ""
        self._reported_at = 0.0

    async def show_later(self) -> None:
        await asyncio.sleep(_BEGIN_AFTER_S)
        token = f"midspan-{uuid.uuid4()}"
        with suppress(JsonRpcException):  # an editor that refuses is not asked twice
            await self._progress.create_async(token)
            self.begin(token)

    def begin(self, token: str | int) -> None:
        self._token = token
        self._progress.begin(token, types.WorkDoneProgressBegin(f"Midspan: {self._title}", cancellable=True))
        self._progress.tokens[token].add_done_callback(self._ended_by_user)

    def add(self, text: str) -> None:
        self._text += text
        now = self._loop.time()
        if self._token is not None and now - self._reported_at >= _REPORT_EVERY_S:
            self._reported_at = now
            line = self._text.rstrip().rpartition("\n")[2].strip()
            self._progress.report(self._token, types.WorkDoneProgressReport(message=line[-_MAX_CHARACTERS:]))

    def end(self) -> None:
        if self._token is not None:
            self._progress.tokens.pop(self._token, None)
            self._progress.end(self._token, types.WorkDoneProgressEnd())

    def _ended_by_user(self, ended: "Future[object]") -> None:
        if ended.cancelled() and self._task is not None:
            self._task.cancel()
