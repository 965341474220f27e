"""An engine goes on when a GPU runs out of memory: with a smaller cache, smaller weights, or on the CPU."""

from pathlib import Path
from typing import Any

import pytest
import torch

from inference import loader
from inference import scheduler as scheduler_module
from inference.api import EngineSettings
from inference.cache import allocate_memory
from inference.cache.allocate_memory import LEAST_PAGES, allocate_what_fits
from inference.devices.captured_step import begin_pass
from inference.devices.choice import Placement
from inference.local_engine import LocalEngine
from midspan import CapacityError
from tests.inference.engines import check_integrity, random_prompt
from tests.inference.folders import QWEN, write_folder
from tests.inference.generate import generate

CPU = torch.device("cpu")


class FullDevice:
    """Stands for a function that allocates, and raises at its first calls."""

    def __init__(self, function: Any, failures: int) -> None:
        self._function = function
        self._failures = failures
        self.calls: list[tuple[Any, ...]] = []

    def __call__(self, *arguments: Any) -> Any:
        self.calls.append(arguments)
        if len(self.calls) <= self._failures:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return self._function(*arguments)


def test_a_cache_gets_the_pages_that_there_is_memory_for(monkeypatch: pytest.MonkeyPatch) -> None:
    full = FullDevice(allocate_memory.allocate_memory, 2)
    monkeypatch.setattr(allocate_memory, "allocate_memory", full)
    assert allocate_what_fits(2, 1000, 8, torch.float32, CPU).shape == (2, 250, 16, 8)
    assert [call[1] for call in full.calls] == [1000, 500, 250]


def test_a_cache_of_no_use_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    full = FullDevice(allocate_memory.allocate_memory, 100)
    monkeypatch.setattr(allocate_memory, "allocate_memory", full)
    with pytest.raises(torch.OutOfMemoryError):
        allocate_what_fits(2, 300, 8, torch.float32, CPU)
    assert [call[1] for call in full.calls] == [300, 150, LEAST_PAGES]


def test_a_model_that_the_memory_does_not_hold_goes_to_the_next_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The places are all on the CPU, and the first two have no memory for the weights."""
    places = [Placement("cpu", "wide", "a"), Placement("cpu", "int8", "b"), Placement("cpu", None, "c")]
    monkeypatch.setattr(loader, "find_places", lambda *_: places)
    monkeypatch.setattr(loader, "_build", FullDevice(loader._build, 2))
    engine = LocalEngine(EngineSettings(write_folder(tmp_path / "model", QWEN), 4 << 20))
    engine.ready.result(timeout=60)
    stats = engine.stats()
    assert stats.device == "cpu"
    assert stats.device_reason == (
        "cpu had too little memory for the weights as wide; cpu had too little memory for the weights as int8"
    )
    assert generate(engine, random_prompt(1, 40)).error is None
    engine.close()


def test_a_step_without_memory_ends_its_request_and_halves_the_cache(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt, scheduler = random_prompt(1, 100), engine._scheduler
    assert scheduler is not None
    before, pages = generate(engine, prompt), engine.stats().pages_total
    monkeypatch.setattr(scheduler_module, "begin_pass", FullDevice(begin_pass, 1))
    refused = generate(engine, random_prompt(2, 100))
    assert isinstance(refused.error, CapacityError)
    assert "ask again" in str(refused.error)
    assert generate(engine, prompt).text == before.text
    assert engine.stats().pages_total == pages // 2
    assert scheduler.memory_bytes == engine.stats().cache_bytes
    assert generate(engine, prompt).trace.cached_tokens > 0
    check_integrity(engine)
