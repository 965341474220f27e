"""A server in the test's own process with one document open, its workspace and its traces."""

import asyncio
from typing import Any

import pytest

from context.index.workspace import Workspace
from lsp_server.server.pauses import Pauses
from lsp_server.telemetry.journal import Journal
from tests.fake_engine import Answer, FakeEngine
from tests.lsp_server.client import URI, WAIT_S, InProcess, ResponseError


async def editor_with(
    text: str = "x = \n",
    answer: str | Answer = "hello()",
    *,
    uri: str = URI,
    language: str = "python",
    encoding: str = "utf-16",
    options: Any = None,
    capabilities: dict[str, Any] | None = None,
    client: dict[str, str] | None = None,
    look_ahead: bool = False,
    journal: Journal | None = None,
    engine: FakeEngine | None = None,
    pauses: Pauses | None = None,
    **engine_options: Any,
) -> tuple[InProcess, FakeEngine]:
    """Return an editor with this document open, and its engine: the given one, or a fake one that writes the answer."""
    if engine is None:
        engine = FakeEngine(answer if callable(answer) else lambda _before, _after: answer, **engine_options)
    editor = InProcess(engine, look_ahead=look_ahead, journal=journal, pauses=pauses)
    await editor.initialize([encoding], options, capabilities=capabilities, client=client)
    await editor.open(text, uri, language)
    return editor, engine


async def settled_workspace(editor: InProcess, uri: str) -> Workspace:
    """Return the workspace that holds the document, when all of its files are indexed."""
    workspace = editor.server.session.workspaces.of(uri).workspace
    assert workspace is not None
    assert await asyncio.to_thread(workspace.wait_until_settled, WAIT_S)
    return workspace


def is_at_rest() -> bool:
    """True when no task runs but the test itself."""
    return len(asyncio.all_tasks()) == 1


async def cancel(editor: InProcess, number: int, answer: "asyncio.Future[Any]") -> None:
    """Cancel the request, whose answer is then the error that LSP defines for it."""
    await editor.notify("$/cancelRequest", {"id": number})
    with pytest.raises(ResponseError) as error:
        await answer
    assert error.value.code == -32800


async def last_trace(editor: InProcess) -> dict[str, Any]:
    """Return the trace of the last request."""
    (trace,) = (await editor.request("midspan/trace", {"limit": 1}))["traces"]
    found: dict[str, Any] = trace
    return found
