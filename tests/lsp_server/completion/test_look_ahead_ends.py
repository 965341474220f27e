"""Looking ahead ends early, and leaves nothing behind."""

from collections.abc import Callable
from typing import Any

import pytest

from lsp_server.server.engines import Engines
from tests.fake_engine import FakeEngine
from tests.lsp_server.client import URI, InProcess, until
from tests.lsp_server.completion.reading import (
    AFTER,
    ITEM,
    LONG_PAUSE,
    NEXT,
    OTHER,
    accept,
    begun,
    nothing_is_begun,
    reading,
    write,
)
from tests.lsp_server.in_process import is_at_rest


async def test_a_keystroke_ends_it():
    editor, engine = await reading(is_held=True)
    await begun(engine)
    (generation,) = engine.live
    await editor.change((0, 4), (0, 4), "q")
    assert generation.cancelled.is_set()
    await until(lambda: not engine.live)


async def test_a_request_in_another_document_ends_it():
    editor, engine = await reading(is_held=True)
    await begun(engine)
    (ahead,) = engine.live
    await editor.open("z = \n", OTHER)
    _, future = await editor.start_completion(0, 4, uri=OTHER)
    await until(ahead.cancelled.is_set)
    engine.background_gate.set()
    await future


async def test_a_place_elsewhere_in_the_document_ends_it():
    editor, engine = await reading("x = \ny = value\n", is_held=True)
    await begun(engine)
    (ahead,) = engine.live
    assert await editor.complete(1, 2) is None
    assert ahead.cancelled.is_set()


async def switch_off(editor: InProcess) -> None:
    command = {"command": "midspan.setCompletion", "arguments": [{"enabled": False}]}
    await editor.request("workspace/executeCommand", command)


async def change_settings(editor: InProcess) -> None:
    settings = {"midspan": {"completion": {"in_comments": False}}}
    await editor.notify("workspace/didChangeConfiguration", {"settings": settings})


async def close_document(editor: InProcess) -> None:
    await editor.notify("textDocument/didClose", {"textDocument": {"uri": URI}})


async def shut_down(editor: InProcess) -> None:
    await editor.request("shutdown")


ENDS = [switch_off, change_settings, close_document, shut_down]


@pytest.mark.parametrize("end", ENDS)
async def test_nothing_of_it_is_left(end: Callable[[InProcess], Any]):
    editor, engine = await reading(is_held=True)
    await begun(engine)
    (generation,) = engine.live
    await end(editor)
    assert generation.cancelled.is_set()
    await until(lambda: not engine.live)
    await until(is_at_rest)


@pytest.mark.parametrize("end", ENDS)
async def test_nothing_of_it_is_begun_later(end: Callable[[InProcess], Any]):
    editor, engine = await reading(pauses=LONG_PAUSE)
    await end(editor)
    await nothing_is_begun(engine)


async def test_a_model_that_was_unloaded_meanwhile_is_not_loaded_again():
    started: list[FakeEngine] = []

    def start(_settings: object) -> FakeEngine:
        started.append(FakeEngine(write))
        return started[-1]

    engines = Engines(start)
    editor = InProcess(engines, look_ahead=True)
    await editor.initialize()
    await editor.open("x = \n")
    assert await editor.complete(0, 4) == ITEM
    await engines.unload_idle(0)
    await nothing_is_begun(started[0])
    assert len(started) == 1


async def test_a_model_that_is_closed_under_it_leaves_nothing_to_show():
    editor, engine = await reading(is_held=True)
    await begun(engine)
    engine.close()
    await until(lambda: not engine.live)
    engine.background_gate.set()
    await accept(editor)
    assert await editor.complete(0, len(AFTER)) == NEXT
    assert [request.background for request in engine.requests] == [False, True, False]
