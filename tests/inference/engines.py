"""Engines of tests, with prompts for them and probes."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from inference import scheduler
from inference.api import EngineSettings
from inference.devices.captured_step import Model, begin_pass
from inference.local_engine import LocalEngine
from inference.models.batch import Work
from inference.models.forward_pass import ForwardPass
from tests.inference.changed_pass import ChangedPass

BOS = 256


def random_prompt(seed: int, length: int) -> list[int]:
    rng = random.Random(seed)
    return [BOS, *(rng.randrange(256) for _ in range(length - 1))]


def check_integrity(engine: LocalEngine) -> None:
    """Check that every page of an engine at rest has one owner."""
    assert engine._scheduler is not None
    engine._scheduler.check_integrity()
    assert engine.stats().live_requests == engine.stats().waiting_requests == 0


def after_each_step(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch, act: Callable[[torch.Tensor], object]
) -> None:
    """Let `act` look at the logits of each step [rows, vocabulary], or change them: a probe, not a fake."""
    assert engine._scheduler is not None
    own = engine._scheduler._model

    def acted(logits: torch.Tensor) -> torch.Tensor:
        act(logits)
        return logits

    def begin_and_act(model: Model, works: Sequence[Work], pages: torch.Tensor, *_hints: object) -> ForwardPass:
        forward_pass = begin_pass(model, works, pages)
        return ChangedPass(forward_pass, acted) if model is own else forward_pass

    monkeypatch.setattr(scheduler, "begin_pass", begin_and_act)


def fresh_engine(folder: Path, **settings: int) -> LocalEngine:
    engine = LocalEngine(EngineSettings(model=folder, **{"cache_bytes": 4 << 20, **settings}))  # type: ignore[arg-type]  # ints only
    engine.ready.result(timeout=60)
    return engine
