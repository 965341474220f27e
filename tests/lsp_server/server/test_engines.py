from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from inference.api import Request
from lsp_server.server.engines import Engines
from lsp_server.settings.values import CompletionSettings, ModelSettings, Settings
from midspan import ModelError
from tests.fake_engine import FakeEngine
from tests.lsp_server.client import InProcess, until


class Starter:
    """A starter of fake engines, which keeps them. They are ready at once, unless `loads` is set."""

    def __init__(self, *errors: ModelError | None) -> None:
        self.started: list[FakeEngine] = []
        self.loads = False
        self._errors = list(errors)

    def __call__(self, _settings: ModelSettings) -> FakeEngine:
        error = self._errors.pop(0) if self._errors else None
        engine = FakeEngine(lambda *_: "hello()", load_error=error)
        if self.loads:
            engine.ready = Future()
        self.started.append(engine)
        return engine


def set_clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let the engines read their clock from the list's only item."""
    clock = [1000.0]
    monkeypatch.setattr("lsp_server.server.engines.time", SimpleNamespace(monotonic=lambda: clock[0]))
    return clock


def test_sessions_with_the_same_model_share_an_engine_and_others_do_not():
    engines = Engines(Starter())
    small, large = ModelSettings(model=Path("/small")), ModelSettings(model=Path("/large"))
    engine = engines.engine_for(small)
    assert engines.engine_for(replace(small, max_tokens=5)) is engine
    assert engines.engine_for(large) is not engine
    assert engines.engine_for(replace(small, cache_bytes=1)) is not engine
    assert engines.engine_for(replace(small, cache_dtype="int8")) is not engine
    assert engines.engine_for(replace(small, device="cuda:1")) is not engine


def test_a_folder_is_one_model_whatever_way_leads_to_it(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    engines = Engines(Starter())
    ways = [tmp_path / "real", tmp_path / "link", tmp_path / "real" / ".." / "link"]
    assert len({id(engines.engine_for(ModelSettings(model=way))) for way in ways}) == 1


async def test_one_model_is_unloaded_while_the_other_works():
    starter = Starter()
    engines = Engines(starter)
    completion, chat = Settings().completion, ModelSettings(model=Path("/chat"), cache_bytes=1 << 20)
    works, idles = engines.engine_for(completion), engines.engine_for(chat)
    starter.started[0].gate.clear()
    works.submit(Request(works.fim_prompt("", "x = ", ""), 5), lambda update: None)
    await engines.unload_idle(0)
    assert [engine.closed for engine in starter.started] == [False, True]
    assert engines.engine_for(completion) is works
    assert engines.engine_for(chat) is not idles
    starter.started[0].gate.set()


async def test_an_engine_is_unloaded_when_nobody_asks_and_started_again_when_somebody_does():
    starter = Starter()
    engines = Engines(starter)
    first = engines.engine_for(ModelSettings())
    await engines.unload_idle(1000)
    assert engines.engine_for(ModelSettings()) is first
    await engines.unload_idle(0)
    assert starter.started[0].closed
    assert engines.engine_for(ModelSettings()) is not first
    assert not starter.started[1].closed


async def test_an_engine_that_works_or_loads_is_not_unloaded():
    starter = Starter()
    engines = Engines(starter)
    editor = InProcess(engines)
    await editor.initialize()
    await editor.open("x = ")
    assert await editor.complete(0, 4) == "hello()"
    (engine,) = starter.started
    engine.gate.clear()
    await editor.change((0, 0), (0, 1), "y")
    _, running = await editor.start_completion(0, 4)
    await until(lambda: engine.live)
    await engines.unload_idle(0)
    assert not engine.closed
    engine.gate.set()
    assert (await running)["items"]
    engine.ready = Future()
    await engines.unload_idle(0)
    assert not engine.closed


async def test_a_model_that_did_not_load_is_tried_again_later(monkeypatch):
    starter = Starter(ModelError("/m holds no weights. Fetch them."))
    engines = Engines(starter)
    clock = set_clock(monkeypatch)
    failed = engines.engine_for(ModelSettings())
    clock[0] += 9
    assert engines.engine_for(ModelSettings()) is failed  # not at every keystroke
    clock[0] += 2
    assert engines.engine_for(ModelSettings()) is not failed
    assert starter.started[0].closed


@pytest.mark.parametrize("wants", [True, False])
async def test_loading_is_shown_as_progress_where_the_editor_shows_it(wants):
    engine = FakeEngine(lambda *_: "")
    engine.ready = Future()
    editor = InProcess(engine)
    params = {"processId": None, "rootUri": None, "capabilities": {"window": {"workDoneProgress": wants}}}
    await editor.request("initialize", params)
    await editor.notify("initialized", {})
    await editor.request("midspan/status")
    if not wants:
        assert editor.notifications.empty()
        return
    create = await editor.message()
    assert create["method"] == "window/workDoneProgress/create"
    await editor.send({"jsonrpc": "2.0", "id": create["id"], "result": None})
    begin = (await editor.message())["params"]
    assert (begin["token"], begin["value"]["kind"]) == (create["params"]["token"], "begin")
    assert begin["value"]["message"] == "loading fake"
    assert editor.notifications.empty()
    engine.ready.set_result(None)
    assert (await editor.message())["params"]["value"]["kind"] == "end"


async def test_a_reload_is_shown_as_progress_too():
    starter = Starter()
    engines = Engines(starter)
    editor = InProcess(engines)
    params = {"processId": None, "rootUri": None, "capabilities": {"window": {"workDoneProgress": True}}}
    await editor.request("initialize", params)
    await editor.open("x = ")
    assert await editor.complete(0, 4) == "hello()"
    assert editor.notifications.empty()  # it was loaded already
    await engines.unload_idle(0)
    assert (await editor.request("midspan/status"))["ready"] is False
    starter.loads = True
    await editor.start_completion(0, 3)
    assert (await editor.message())["method"] == "window/workDoneProgress/create"


async def test_the_status_neither_loads_a_model_nor_keeps_it(monkeypatch):
    starter = Starter()
    engines = Engines(starter)
    editor = InProcess(engines)
    await editor.initialize()
    assert (await editor.request("midspan/status"))["ready"]
    clock = set_clock(monkeypatch)
    engines.engine_for(ModelSettings())
    clock[0] += 100
    await editor.request("midspan/status")
    await engines.unload_idle(99)
    assert starter.started[0].closed
    await editor.request("midspan/status")
    assert len(starter.started) == 1


async def test_initialization_options_reach_the_engine_and_wrong_ones_are_shown():
    settings = []

    def start(given: ModelSettings) -> FakeEngine:
        settings.append(given)
        return FakeEngine(lambda *_: "abcdefgh")

    editor = InProcess(start, look_ahead=True)
    await editor.initialize(options={"completion": {"max_tokens": 3}, "modle": "/m"})
    message = (await editor.message())["params"]["message"]
    assert message == "There is no setting 'modle'. Did you mean 'completion.model'?"
    assert settings == [CompletionSettings(max_tokens=3)]
    await editor.open("x = \n")
    assert await editor.complete(0, 4) == "abc"
