"""Steps that nobody waits for run on one thread, and compute the same."""

from pathlib import Path

import pytest

from inference.api import Request
from inference.native.model import NativeModel
from inference.prompts.prompt import TokenPrompt
from kernels.cpu.library import native_library
from tests.inference.folders import QWEN
from tests.inference.small_scheduler import Restless, Running, start

PROMPT = TokenPrompt(tuple(number % 251 for number in range(60)))

pytestmark = pytest.mark.skipif(native_library().functions is None, reason=native_library().absence)


@pytest.fixture
def running(tmp_path: Path) -> Running:
    running = start(tmp_path, QWEN, "int8")
    assert isinstance(running.scheduler._model, Restless)
    running.scheduler._model = running.scheduler._model._model  # the scheduler knows the native model by its class
    return running


@pytest.fixture
def handles(monkeypatch: pytest.MonkeyPatch) -> list[NativeModel]:
    """The models that have run a step."""
    seen: list[NativeModel] = []
    begin = NativeModel.begin_works

    def note(model, *arguments):
        seen.append(model)
        return begin(model, *arguments)

    monkeypatch.setattr(NativeModel, "begin_works", note)
    return seen


def test_work_ahead_takes_one_thread(running: Running, handles: list[NativeModel]) -> None:
    model = running.scheduler._model
    assert isinstance(model, NativeModel)
    running.run(Request(PROMPT, 3, background=True, is_ahead=True))
    assert set(handles) == {model.on_one_thread}
    assert model.on_one_thread is not model


def test_a_chat_and_a_keystroke_take_all(running: Running, handles: list[NativeModel]) -> None:
    running.run(Request(PROMPT, 3, background=True))
    running.run(Request(PROMPT, 3))
    assert set(handles) == {running.scheduler._model}


def test_one_thread_computes_the_same(running: Running) -> None:
    (ahead,) = running.run(Request(PROMPT, 12, background=True, is_ahead=True))
    running.scheduler.pool.release(running.scheduler.tree.evict(1000))
    (again,) = running.run(Request(PROMPT, 12))
    assert again.output == ahead.output
