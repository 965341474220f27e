"""1,000 requests that are superseded, cancelled, or whose document or editor goes away, with the real engine."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.bigram_folder import write_bigram_folder
from tests.lsp_server.client import ResponseError, Stdio, stdio_server, until
from tests.lsp_server.daemons import ROOT, Place, is_at_rest, place

REQUESTS = 1000
WORD = "wonderful"
CANCELLED = -32800
URIS = [f"file:///project/{name}.py" for name in "abc"]


@pytest.fixture
async def here(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with place(monkeypatch) as found:
        yield found


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_bigram_folder(tmp_path / "model", WORD, endless=True)


async def start(editor: Stdio) -> None:
    await editor.initialize(options={"completion": {"max_tokens": 200, "cache_bytes": 64 << 20}})
    for uri in URIS:
        await editor.open("x = \n", uri=uri)
    await editor.status_with(lambda status: status["ready"])


async def storm(editor: Stdio, dice: random.Random) -> list["asyncio.Future[Any]"]:
    """Requests, and what ends most of them. What is left runs until its token limit."""
    asked: list[asyncio.Future[Any]] = []
    numbers: list[int] = []
    for count in range(REQUESTS):
        uri = dice.choice(URIS)
        await editor.change((0, 0), (0, 1), chr(ord("a") + count % 26), uri=uri)
        number, future = await editor.start_completion(0, 4, uri=uri)
        asked.append(future)
        numbers.append(number)
        if dice.random() < 0.4:
            await editor.notify("$/cancelRequest", {"id": dice.choice(numbers[-3:])})
        if dice.random() < 0.1:
            await editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
            await editor.open("x = \n", uri=uri)
        if dice.random() < 0.3:
            await asyncio.sleep(dice.random() * 0.01)
    return asked


@pytest.mark.timeout(300)
async def test_a_storm_of_requests_is_answered_one_by_one_and_leaves_the_engine_at_rest(here, model):
    async with stdio_server("-m", "lsp_server.cli", "serve", "--model", model) as editor:
        await start(editor)
        await editor.complete(0, 4, uri=URIS[0])
        daemon = psutil.Process(here.daemon_status()["pid"])
        threads = daemon.num_threads()
        asked = await storm(editor, random.Random(1))
        answers = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 120)
        assert len(answers) == REQUESTS
        errors = [answer for answer in answers if isinstance(answer, BaseException)]
        assert {error.code for error in errors if isinstance(error, ResponseError)} == {CANCELLED}
        assert all(isinstance(error, ResponseError) for error in errors)
        assert sum(answer is None for answer in answers) > REQUESTS // 10  # superseded
        await editor.status_with(is_at_rest)
        assert daemon.num_threads() <= threads + 2
        assert editor.notifications.empty()  # no second answer either
        _, future = await editor.start_completion(0, 4, uri=URIS[1])
        assert (await future) is not None


@pytest.mark.timeout(300)
async def test_editors_that_go_in_the_middle_leave_the_engine_at_rest(here, model):
    command = "-m", "lsp_server.cli", "serve", "--model", model
    async with stdio_server(*command) as stays:
        await start(stays)
        for number in range(5):
            async with stdio_server(*command) as goes:
                await start(goes)
                for uri in URIS:
                    await goes.start_completion(0, 4, uri=uri)
                if number % 2:
                    goes.close_stdin()
                else:
                    goes.process.kill()
        await until(lambda: here.daemon_status()["sessions"] == 1, "a session is left")
        await stays.status_with(is_at_rest)
        _, future = await stays.start_completion(0, 4, uri=URIS[0])
        assert (await future) is not None
