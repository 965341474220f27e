"""Any thread stops the step that runs: by a request of the foreground, by a cancel, and by closing the engine."""

import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest
from torch import Tensor

from inference import right_of_way
from inference.api import Request, Update
from inference.local_engine import LocalEngine
from inference.models.batch import Batch
from inference.models.forward_pass import ALL_SUBLAYERS, ForwardPass, StopFlag
from inference.prompts.prompt import TokenPrompt
from inference.right_of_way import RIGHT_OF_WAY, RightOfWay
from tests.inference.engines import check_integrity, fresh_engine, random_prompt
from tests.inference.generate import collect

HELD_ROWS = 40
TIMEOUT_S = 60
QUIET_S = 0.2


class HeldPass:
    """Computes a sublayer, and then nothing until its flag is set.

    A slice computes nothing: the machine's speed decides how many slices the background has beside a foreground.
    """

    def __init__(self, forward_pass: ForwardPass, holding: "SimpleQueue[int]") -> None:
        self._pass = forward_pass
        self._holding = holding

    @property
    def sublayers(self) -> int:
        return self._pass.sublayers

    @property
    def sublayers_done(self) -> int:
        return self._pass.sublayers_done

    def run(self, stop: StopFlag | None = None, most_sublayers: int = ALL_SUBLAYERS) -> Tensor | None:
        assert stop is not None
        if most_sublayers != ALL_SUBLAYERS:
            return None
        self._pass.run(stop, 1)
        self._holding.put(self.sublayers_done)
        for _ in range(int(TIMEOUT_S / 0.001)):
            if stop.is_set:
                return None
            threading.Event().wait(0.001)
        raise TimeoutError("the step was not stopped")


class Held:
    """An engine whose prefills of many rows are held, until `release`."""

    def __init__(self, engine: LocalEngine) -> None:
        assert engine._scheduler is not None
        self.engine = engine
        self.holding: SimpleQueue[int] = SimpleQueue()
        self._model = engine._scheduler._model
        self._is_holding = True
        engine._scheduler._model = self

    def forward(self, batch: Batch, pages: Tensor) -> Tensor:
        return self._model.forward(batch, pages)

    def begin(self, batch: Batch, pages: Tensor) -> ForwardPass:
        forward_pass = self._model.begin(batch, pages)
        is_held = self._is_holding and len(batch.tokens) >= HELD_ROWS
        return HeldPass(forward_pass, self.holding) if is_held else forward_pass

    def submit(self, prompt_tokens: int, *, background: bool) -> tuple[object, "SimpleQueue[Update]"]:
        updates: SimpleQueue[Update] = SimpleQueue()
        prompt = TokenPrompt(tuple(random_prompt(prompt_tokens, prompt_tokens)))
        return self.engine.submit(Request(prompt, 4, background=background), updates.put), updates

    def wait_until_held(self) -> int:
        return self.holding.get(timeout=TIMEOUT_S)


@pytest.fixture
def held(model_folder: Path) -> Iterator[Held]:
    engine = fresh_engine(model_folder)
    yield Held(engine)
    engine.close()
    assert not RIGHT_OF_WAY.is_held


def test_a_request_of_the_foreground_stops_a_step_of_the_background(held: Held) -> None:
    _, background = held.submit(200, background=True)
    assert held.wait_until_held() == 1
    _, foreground = held.submit(20, background=False)
    assert collect(foreground).reason == "length"
    assert held.wait_until_held() == 2
    assert background.empty()


def test_a_request_of_the_background_stops_nothing(held: Held) -> None:
    held.submit(200, background=True)
    held.wait_until_held()
    _, other = held.submit(20, background=True)
    threading.Event().wait(QUIET_S)
    assert held.holding.empty()
    assert other.empty()


def test_a_cancel_stops_the_step_that_runs(held: Held) -> None:
    for background in (True, False):
        generation, updates = held.submit(200, background=background)
        held.wait_until_held()
        generation.cancel()  # type: ignore[attr-defined]  # a Generation
        cancelled = collect(updates)
        assert cancelled.reason == "cancelled"
        assert cancelled.trace.prefilled_tokens == 0
        check_integrity(held.engine)


def test_closing_stops_the_step_that_runs(model_folder: Path) -> None:
    held = Held(fresh_engine(model_folder))
    _, updates = held.submit(200, background=False)
    held.wait_until_held()
    held.engine.close()
    assert collect(updates).reason == "cancelled"


def test_a_long_prompt_of_the_foreground_makes_way_for_a_shorter_one(held: Held) -> None:
    _, long = held.submit(200, background=False)
    held.wait_until_held()
    _, short = held.submit(20, background=False)
    assert collect(short).reason == "length"
    assert long.empty()


def test_the_foreground_of_one_engine_stops_the_background_of_another(held: Held, model_folder: Path) -> None:
    other = fresh_engine(model_folder)
    held.submit(200, background=True)
    assert held.wait_until_held() == 1
    updates: SimpleQueue[Update] = SimpleQueue()
    other.submit(Request(TokenPrompt(tuple(random_prompt(1, 20))), 4), updates.put)
    assert held.wait_until_held() == 2
    assert collect(updates).reason == "length"
    other.close()


def test_an_engine_that_gives_way_answers_its_own_request_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(right_of_way, "_LONGEST_WAIT_S", 5.0 * TIMEOUT_S)
    ways, is_called, slices = RightOfWay(), threading.Event(), list[float | None]()
    ways.go(1)
    waiting = threading.Thread(target=lambda: slices.append(ways.give_way(1e9, is_called.is_set)))
    waiting.start()
    waiting.join(QUIET_S)
    assert waiting.is_alive()
    is_called.set()
    ways.make_way(2)
    waiting.join(TIMEOUT_S)
    assert slices == [right_of_way._SLICE_S]
    ways.leave(1)
    assert ways.give_way(1e9, is_called.is_set) is None
