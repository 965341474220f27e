"""Progress in the editor while a model is loaded."""

import asyncio
import uuid
from concurrent.futures import Future
from contextlib import suppress

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from lsp_server.rpc.endpoint import MidspanProtocol
from midspan.visible_text import visible_line


def has_progress(capabilities: types.ClientCapabilities) -> bool:
    """Tell whether the editor shows progress that the server begins."""
    return capabilities.window is not None and capabilities.window.work_done_progress is True


async def show_loading(protocol: MidspanProtocol, model: str, ready: "Future[None]") -> None:
    """Show progress until the engine's future is done. The future is never cancelled from here."""
    token = f"midspan-{uuid.uuid4()}"
    progress = protocol.progress
    with suppress(JsonRpcException):  # an editor that refuses is not asked twice
        await progress.create_async(token)
        progress.begin(token, types.WorkDoneProgressBegin(title="Midspan", message=f"loading {visible_line(model)}"))
        loaded = asyncio.wrap_future(ready)
        await asyncio.wait([loaded])
        failed = loaded.cancelled() or loaded.exception() is not None
        progress.end(token, types.WorkDoneProgressEnd(message="failed" if failed else "ready"))
