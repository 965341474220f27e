"""`midspan serve --standalone` with the real engine ends at once, whatever the engine does."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.bigram_folder import write_bigram_folder
from tests.lsp_server.client import Stdio, stdio_server

ROOT = Path(__file__).parents[3]
Step = Callable[[Stdio], Awaitable[None]]

LEAVES_IN_S = 30  # it takes a fraction of a second; the editor's user waits for it


@pytest.fixture
async def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stdio]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    model = write_bigram_folder(tmp_path / "model", "on", endless=True)
    async with stdio_server("-m", "lsp_server.cli", "serve", "--standalone", "--model", model) as editor:
        await editor.initialize(options={"max_tokens": 10_000})
        await editor.open("x = \n")
        yield editor


async def loading(editor: Stdio) -> None:
    await editor.request("midspan/status")  # the model is being loaded, which takes longer


async def idle(editor: Stdio) -> None:
    await editor.status_with(lambda status: status["ready"])


async def generating(editor: Stdio) -> None:
    await idle(editor)
    await editor.start_completion(0, 4)
    await editor.status_with(lambda status: status["live_requests"])


async def shut_down(editor: Stdio) -> None:
    await editor.request("shutdown")
    await editor.notify("exit")


async def exit_at_once(editor: Stdio) -> None:
    await editor.notify("exit")


async def close_stdin(editor: Stdio) -> None:
    editor.close_stdin()


async def terminate(editor: Stdio) -> None:
    editor.process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize("state", [loading, idle, generating])
@pytest.mark.parametrize(("leave", "code"), [(shut_down, 0), (exit_at_once, 1), (close_stdin, 1), (terminate, 1)])
async def test_the_server_leaves_at_once_with_the_right_exit_code(
    editor: Stdio, state: Step, leave: Step, code: int
) -> None:
    await state(editor)
    await leave(editor)
    assert await asyncio.wait_for(editor.process.wait(), LEAVES_IN_S) == code
