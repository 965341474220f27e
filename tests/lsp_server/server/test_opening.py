"""No typing waits for a tokenizer, which may take a second to read."""

import threading
from pathlib import Path
from typing import Any

import pytest

from inference.prompts.tokenizer import Tokenizer
from lsp_server.server.engines import Engines
from lsp_server.server.start_engine import start_engine
from midspan import ModelError
from tests.inference.folders import QWEN, write_folder
from tests.lsp_server.client import InProcess

WAIT_S = 20


@pytest.fixture
def may_open(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """An event that lets the reading of a tokenizer end."""
    may_open = threading.Event()

    class SlowTokenizer(Tokenizer):
        def __init__(self, *arguments: Any) -> None:
            if not may_open.wait(WAIT_S):
                raise ModelError("the editor was kept waiting")
            super().__init__(*arguments)

    monkeypatch.setattr("inference.local_engine.Tokenizer", SlowTokenizer)
    return may_open


async def opened(engines: Engines, model: Path) -> InProcess:
    editor = InProcess(engines)
    await editor.initialize(options={"completion": {"model": str(model), "cache_bytes": 1 << 22}})
    await editor.open("x = \n")
    return editor


async def test_the_editors_are_answered_while_a_model_is_opened(tmp_path: Path, may_open: threading.Event) -> None:
    engines = Engines(start_engine)
    model = write_folder(tmp_path / "model", QWEN)
    editor, other = await opened(engines, model), await opened(engines, model)
    _, completion = await editor.start_completion(0, 4)
    for each in (editor, other):
        await each.change((0, 4), (0, 4), "1")
        assert (await each.request("midspan/status"))["completion"]["state"] == "loading"
    assert not completion.done()
    may_open.set()
    await completion
    assert (await other.request("midspan/status"))["completion"]["state"] == "ready"
    await editor.request("shutdown")
    await other.request("shutdown")
    for engine in engines.running().values():
        engine.close()


async def test_a_tokenizer_that_cannot_be_read_is_told_once(tmp_path: Path, may_open: threading.Event) -> None:
    may_open.set()
    engines = Engines(start_engine)
    model = write_folder(tmp_path / "model", QWEN)
    (model / "tokenizer.json").write_text("{}")
    editor = await opened(engines, model)
    assert await editor.complete(0, 4) is None
    message = await editor.message()
    assert message["method"] == "window/showMessage"
    assert "tokenizer.json: cannot be read" in message["params"]["message"]
    assert await editor.complete(0, 4) is None
    assert editor.notifications.empty()
    await editor.request("shutdown")
    for engine in engines.running().values():
        engine.close()
