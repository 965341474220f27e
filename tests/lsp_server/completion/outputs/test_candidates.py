"""Several items when a key asks."""

from typing import Any

import pytest

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from inference.api import EngineSettings, OnUpdate, Request, Update
from inference.local_engine import LocalEngine
from lsp_server.completion.outputs import candidates
from lsp_server.completion.outputs.candidates import generate_several
from midspan import ModelError
from tests.bigram_folder import write_bigram_folder
from tests.fake_engine import FakeEngine, FakeGeneration
from tests.lsp_server.client import INVOKED, WAIT_S, InProcess, until
from tests.lsp_server.in_process import cancel, editor_with

GREEDY = ("hello()", 0.6)
waits_for_all = pytest.mark.usefixtures("patience")


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for every sample, however late a busy machine lets its thread run."""
    monkeypatch.setattr(candidates, "_LEAST_PATIENCE_S", WAIT_S)


class Sampled(FakeEngine):
    """The greedy output and those of the seeds 1, 2 and 3, each with the model's confidence."""

    def __init__(self, *outputs: tuple[str, float | None]) -> None:
        super().__init__(lambda *_: "")
        self.outputs = (*outputs, *[GREEDY] * (4 - len(outputs)))

    def write(self, request: Request) -> tuple[str, float | None]:
        sampling = request.sampling
        return self.outputs[sampling.seed if sampling.temperature else 0]


class Held(Sampled):
    """Reads the prompt, and then writes nothing until the gate is opened again."""

    def __init__(self, *outputs: tuple[str, float | None]) -> None:
        super().__init__(*outputs)
        self.begun: list[Request] = []

    def write(self, request: Request) -> tuple[str, float | None]:
        if request.max_new_tokens > 1:
            self.gate.clear()
            self.begun.append(request)
        return super().write(request)


class Slow(Sampled):
    """Its samples are never written to their end."""

    def run(self, request: Request, generation: FakeGeneration, on_update: OnUpdate) -> None:
        if request.sampling.temperature:
            generation.cancelled.wait()
            self.live.discard(generation)
            on_update(Update("", "cancelled"))
        else:
            super().run(request, generation, on_update)


async def items(editor: InProcess, line: int = 0, character: int = 4) -> list[Any]:
    _, future = await editor.start_completion(line, character, INVOKED)
    result: list[Any] = (await future)["items"]
    return result


async def texts(engine: FakeEngine) -> list[str]:
    editor, _ = await editor_with(engine=engine)
    return [item["insertText"] for item in await items(editor)]


@waits_for_all
async def test_distinct_ones_come_the_surest_first():
    engine = Sampled(GREEDY, ("bye()", 0.9), ("hello() ", 0.99), ("other()", 0.7))
    assert await texts(engine) == ["bye()", "other()", "hello()"]


@waits_for_all
async def test_an_engine_that_does_not_tell_how_sure_it_is_gives_the_greedy_one_first():
    engine = Sampled(("hello()", None), ("bye()", None), ("", None), ("other()", None))
    assert await texts(engine) == ["hello()", "bye()", "other()"]


@waits_for_all
async def test_what_the_model_is_far_less_sure_of_is_left_out():
    engine = Sampled(GREEDY, ("bye()", 0.9), ("noise()", 0.4), ("other()", 0.45))
    assert await texts(engine) == ["bye()", "hello()", "other()"]


async def test_samples_that_take_long_are_not_waited_for():
    engine = Slow(GREEDY, ("bye()", 0.9), ("other()", 0.7))
    assert await texts(engine) == ["hello()"]
    await until(lambda: not engine.live)


async def test_unasked_there_is_one():
    engine = Sampled(GREEDY, ("bye()", 0.9))
    editor, _ = await editor_with(engine=engine)
    _, future = await editor.start_completion(0, 4)
    assert len((await future)["items"]) == 1
    assert len(engine.requests) == 1


@waits_for_all
async def test_the_prompt_is_read_once_and_then_all_run_together():
    engine = Held(GREEDY, ("bye()", 0.9))
    editor, _ = await editor_with(engine=engine)
    _, future = await editor.start_completion(0, 4, INVOKED)
    await until(lambda: len(engine.begun) == 4)
    assert len(engine.live) == 4
    first, *others = engine.requests
    assert first.max_new_tokens == 1
    assert {request.prompt for request in others} == {first.prompt}
    assert [request.sampling.temperature > 0 for request in others] == [False, True, True, True]
    engine.gate.set()
    assert len((await future)["items"]) == 2


@waits_for_all
async def test_the_rest_of_whichever_is_typed_is_known():
    engine = Sampled(GREEDY, ("bye()", 0.9), ("other()", 0.7))
    editor, _ = await editor_with(engine=engine)
    await items(editor)
    asked = len(engine.requests)
    for typed, rest in (("ot", "her()"), ("he", "llo()"), ("b", "ye()")):
        await editor.change((0, 4), (0, 4), typed)
        assert await editor.complete(0, 4 + len(typed)) == rest
        await editor.change((0, 4), (0, 4 + len(typed)), "")
    assert await editor.complete(0, 4) == "bye()"
    assert len(engine.requests) == asked


@waits_for_all
async def test_whichever_is_accepted_is_recorded_once():
    editor, _ = await editor_with(engine=Sampled(GREEDY, ("bye()", 0.9)))
    numbers = [item["command"]["arguments"][0] for item in await items(editor)]
    assert len(set(numbers)) == 2
    for number in reversed(numbers):
        await editor.request("workspace/executeCommand", {"command": "midspan.accepted", "arguments": [number]})
    assert (await editor.request("midspan/status"))["accepted_items"] == 1


@pytest.mark.parametrize("prompt_is_read", [False, True])
async def test_they_are_cancelled_as_one(prompt_is_read):
    engine = Held(GREEDY, ("bye()", 0.9), ("other()", 0.7))
    editor, _ = await editor_with(engine=engine)
    if not prompt_is_read:
        engine.gate.clear()
    number, future = await editor.start_completion(0, 4, INVOKED)
    await until(lambda: len(engine.begun) == 4 if prompt_is_read else engine.live)
    await cancel(editor, number, future)
    await until(lambda: not engine.live)


class Failing(Sampled):
    """`seed` fails; 0 is the greedy one."""

    seed = 0

    def write(self, request: Request) -> tuple[str, float | None]:
        if request.sampling.seed == self.seed:
            raise ModelError("the weights are gone")
        return super().write(request)


@waits_for_all
async def test_a_sample_that_fails_is_left_out():
    engine = Failing(GREEDY, ("bye()", 0.9), ("other()", 0.7))
    engine.seed = 1
    assert await texts(engine) == ["other()", "hello()"]


async def test_when_the_greedy_one_fails_nothing_is_shown_and_nothing_runs_on():
    engine = Failing(GREEDY, ("bye()", 0.9))
    assert await texts(engine) == []
    await until(lambda: not engine.live)


async def test_the_samples_share_what_the_greedy_one_has_read(tmp_path):
    engine = LocalEngine(EngineSettings(model=write_bigram_folder(tmp_path / "model", "on"), threads=1))
    try:
        prompt = engine.fim_prompt("", "line\n" * 50, "")
        greedy, *sampled = await generate_several(
            engine, Request(prompt, 8, 1), Snapshot(Document("a.py", "", "python", 1), 0)
        )
        assert greedy.trace is not None
        assert (greedy.trace.cached_tokens, greedy.trace.prefilled_tokens) == (0, prompt.num_tokens)
        for sample in sampled:
            assert sample.trace is not None
            assert sample.trace.prefilled_tokens == 1
    finally:
        engine.close()
