"""A place whose prompt would take long to read is answered from its own text first; the whole prompt follows."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from inference.api import Request
from lsp_server.server.battery import Battery
from lsp_server.server.engines import Engines
from lsp_server.server.pauses import Pauses
from lsp_server.settings.values import ModelSettings
from tests.fake_engine import FakeEngine, read_prompt
from tests.lsp_server.client import INVOKED, URI, WAIT_S, InProcess, until
from tests.lsp_server.completion.reading import begun
from tests.lsp_server.in_process import editor_with, is_at_rest, last_trace

OTHER = "file:///project/b.py"
SLOW = 1000.0  # tokens a second: 256 in the time of a quick prompt
LONG = "".join(f"def function_{number}(value):\n    return value + {number}\n\n\n" for number in range(40))
HELPER = "def helper(first, second):\n    return first + second\n"
LINE = LONG.count("\n")


async def opened(
    speed: float | None = SLOW, options: Any = None, engine: FakeEngine | None = None, **more: Any
) -> tuple[InProcess, FakeEngine]:
    """Return an editor with a long document, whose cursor is meant to stand at its end, and another one."""
    engine = engine or FakeEngine(lambda _before, _after: "helper(1, 2)")
    engine.speed = speed
    editor, _ = await editor_with(LONG + "x = \n", engine=engine, options=options, **more)
    await editor.open(HELPER, OTHER)
    return editor, engine


def whole_prompts(engine: FakeEngine) -> list[bool]:
    """Return of each request whether its prompt shows the other file."""
    return ["def helper" in read_prompt(request)[0] for request in engine.requests]


async def warmed(engine: FakeEngine, requests: int = 2) -> None:
    await until(lambda: len(engine.requests) == requests and is_at_rest())


async def test_the_first_answer_comes_from_the_text_at_the_cursor_alone():
    editor, engine = await opened()
    assert await editor.complete(LINE, 4) == "helper(1, 2)"
    before, _ = read_prompt(engine.requests[0])
    assert "function_39" in before
    assert "def helper" not in before
    assert "function_0(" not in before
    assert len(before) <= 256
    trace = await last_trace(editor)
    assert (trace["source"], trace["outcome"]) == ("quick", "shown")
    assert trace["summary"] == "shown 12 characters, from the text at the cursor alone"
    await editor.request("shutdown")


async def test_the_whole_prompt_is_read_meanwhile_and_the_next_request_has_it():
    editor, engine = await opened()
    await editor.complete(LINE, 4)
    await warmed(engine)
    warming = engine.requests[1]
    assert (warming.background, warming.is_ahead, warming.max_new_tokens) == (True, True, 1)
    await editor.change((LINE, 4), (LINE, 4), "q")
    await editor.complete(LINE, 5)
    assert whole_prompts(engine) == [False, True, True]
    assert read_prompt(engine.requests[2])[0] == read_prompt(warming)[0] + "q"
    assert (await last_trace(editor))["source"] == "engine"
    await editor.request("shutdown")


async def test_a_key_ends_the_reading_and_is_answered_quickly_again():
    editor, engine = await opened()
    engine.background_gate.clear()
    await editor.complete(LINE, 4)
    await begun(engine)
    (reading,) = engine.live
    await editor.change((LINE, 4), (LINE, 4), "q")
    await until(reading.cancelled.is_set)
    engine.background_gate.set()
    await editor.complete(LINE, 5)
    await warmed(engine, 4)
    assert whole_prompts(engine) == [False, True, False, True]
    await editor.request("shutdown")


async def test_each_document_begins_for_itself():
    editor, engine = await opened()
    await editor.complete(LINE, 4)
    await warmed(engine)
    await editor.open(LONG + "y = \n", "file:///project/c.py")
    await editor.complete(LINE, 4, uri="file:///project/c.py")
    assert whole_prompts(engine)[2] is False
    await editor.request("shutdown")


@pytest.mark.parametrize(
    ("speed", "options"),
    [(None, None), (100_000.0, None), (SLOW, {"completion": {"quick_first": False}})],
    ids=["unknown", "fast", "switched off"],
)
async def test_where_it_is_not_wanted_or_not_worth_it_the_first_prompt_is_the_whole_one(
    speed: float | None, options: Any
):
    editor, engine = await opened(speed, options)
    await editor.complete(LINE, 4)
    assert whole_prompts(engine) == [True]
    assert engine.requests[0].quick_prompt is None
    await editor.request("shutdown")


async def test_a_key_that_asks_gets_the_whole_prompt():
    editor, engine = await opened()
    await editor.complete(LINE, 4, INVOKED)
    assert all(whole_prompts(engine))
    await editor.request("shutdown")


async def test_a_later_place_that_is_cold_is_answered_from_the_quick_prompt_beside_the_whole_one():
    editor, engine = await opened()
    await editor.complete(LINE, 4)
    await warmed(engine)
    engine.is_cold = True
    await editor.complete(LINE // 2 + 1, len("    return value + 20"))
    request = engine.requests[2]
    assert request.quick_prompt is not None
    assert request.quick_prompt.num_tokens < request.prompt.num_tokens
    assert (await last_trace(editor))["source"] == "quick"
    await until(lambda: len(engine.requests) == 4)
    assert engine.requests[3].is_ahead
    await editor.request("shutdown")


async def test_on_a_battery_nothing_is_read_ahead_and_the_second_request_reads_all():
    editor, engine = await opened(look_ahead=True)
    editor.server.battery = Battery(lambda: True)
    await editor.complete(LINE, 4)
    await until(is_at_rest)
    await editor.change((LINE, 4), (LINE, 4), "q")
    await editor.complete(LINE, 5)
    assert whole_prompts(engine) == [False, True]
    assert not any(request.is_ahead for request in engine.requests)
    await editor.request("shutdown")


async def test_the_user_may_want_work_ahead_on_a_battery():
    editor, engine = await opened(options={"completion": {"ahead_on_battery": True}})
    editor.server.battery = Battery(lambda: True)
    await editor.complete(LINE, 4)
    await warmed(engine)
    assert engine.requests[1].is_ahead
    await editor.request("shutdown")


async def test_look_ahead_waits_for_the_whole_prompt_and_is_the_last_of_a_paused_user():
    may_read = threading.Event()

    class SlowlyRead(FakeEngine):
        def write(self, request: Request) -> tuple[str, float | None]:
            if request.max_new_tokens == 1:
                may_read.wait(WAIT_S)
            return super().write(request)

    editor, engine = await opened(look_ahead=True, engine=SlowlyRead(lambda _before, _after: "helper(1, 2)"))
    await editor.complete(LINE, 4)
    await until(lambda: len(engine.requests) == 2)
    await asyncio.sleep(3 * Pauses().reading_s)
    assert [request.max_new_tokens == 1 for request in engine.requests] == [False, True]
    may_read.set()
    await until(lambda: len(engine.requests) == 3 and is_at_rest())
    assert [request.is_ahead for request in engine.requests] == [False, True, True]
    await editor.request("shutdown")


async def test_a_document_that_no_prompt_may_show_is_not_shown_quickly_either(tmp_path: Path):
    (tmp_path / ".midspanignore").write_text("secret.py\n")
    engine = FakeEngine(lambda _before, _after: "x")
    engine.speed = SLOW
    editor = InProcess(engine)
    await editor.initialize(root=tmp_path.as_uri())
    uri = (tmp_path / "secret.py").as_uri()
    await editor.open("x = \n", uri)
    assert await editor.complete(0, 4, uri=uri) is None
    assert not engine.requests
    await editor.request("shutdown")


async def test_a_secret_is_masked_in_a_quick_prompt_too():
    editor, engine = await opened()
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    await editor.change((LINE, 0), (LINE, 0), f'token = "{secret}"\n')
    await editor.complete(LINE + 1, 4)
    assert secret not in read_prompt(engine.requests[0])[0]
    assert (await last_trace(editor))["masked"]
    await editor.request("shutdown")


async def test_a_model_is_loaded_as_soon_as_an_editor_says_hello():
    started: list[ModelSettings] = []

    def start(settings: ModelSettings) -> FakeEngine:
        started.append(settings)
        return FakeEngine(lambda _before, _after: "x")

    editor = InProcess(Engines(start))
    await editor.initialize()
    await until(lambda: len(started) == 1)
    assert URI not in editor.server.session.documents
    await editor.request("shutdown")
