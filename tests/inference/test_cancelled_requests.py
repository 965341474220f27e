"""A cancelled request ends soon, keeps what was computed, and leaks nothing."""

import random
import threading
import time
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
import torch

import inference.loader
from inference.api import EngineSettings, Request, Update
from inference.local_engine import LocalEngine
from inference.prompts.prompt import TokenPrompt
from midspan import ModelError
from tests.inference.engines import after_each_step, check_integrity, fresh_engine, random_prompt
from tests.inference.generate import collect, generate


def test_a_request_says_how_long_it_waited_and_one_that_never_ran_says_nothing(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = fresh_engine(model_folder)
    is_running, may_go_on = threading.Event(), threading.Event()

    def hold(_logits: torch.Tensor) -> None:
        is_running.set()
        may_go_on.wait(60)

    after_each_step(engine, monkeypatch, hold)
    first: SimpleQueue[Update] = SimpleQueue()
    second: SimpleQueue[Update] = SimpleQueue()
    engine.submit(Request(TokenPrompt(tuple(random_prompt(3, 40))), 4), first.put)
    is_running.wait(60)
    engine.submit(Request(TokenPrompt(tuple(random_prompt(4, 40))), 4), second.put).cancel()
    may_go_on.set()
    ran, waited = collect(first).trace, collect(second).trace
    assert ran.queue_ms is not None
    assert ran.ttft_ms is not None
    assert 0 <= ran.queue_ms <= ran.ttft_ms
    assert waited.queue_ms is None
    engine.close()


def test_cancel_ends_within_a_step_and_keeps_what_was_computed(engine: LocalEngine) -> None:
    prompt = random_prompt(11, 200)
    updates: SimpleQueue[Update] = SimpleQueue()
    generation = engine.submit(Request(TokenPrompt(tuple(prompt)), 5000), updates.put)
    while not updates.get(timeout=60).text:
        pass
    generation.cancel()
    generation.cancel()
    cancelled = collect(updates)
    assert cancelled.reason == "cancelled"
    assert cancelled.trace.decode_tokens < 5000
    assert generate(engine, prompt).trace.cached_tokens == len(prompt) - 1
    check_integrity(engine)


def test_a_cancelled_prefill_keeps_its_finished_chunks(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    first_chunk = threading.Event()
    after_each_step(engine, monkeypatch, lambda _: first_chunk.set())
    prompt = random_prompt(12, 6000)
    updates: SimpleQueue[Update] = SimpleQueue()
    generation = engine.submit(Request(TokenPrompt(tuple(prompt)), 8), updates.put)
    assert first_chunk.wait(60)
    generation.cancel()
    cancelled = collect(updates)
    assert cancelled.reason == "cancelled"
    assert 64 <= cancelled.trace.prefilled_tokens < 6000
    check_integrity(engine)
    cached = generate(engine, prompt, 1).trace.cached_tokens
    assert cached == cancelled.trace.prefilled_tokens


def test_a_storm_of_superseded_requests_leaks_nothing(engine: LocalEngine) -> None:
    threads = threading.active_count()
    rng = random.Random(0)
    prompt = random_prompt(13, 150)
    queues = []
    for _ in range(100):
        prompt = [*prompt, rng.randrange(256)]
        queues.append(SimpleQueue[Update]())
        generation = engine.submit(Request(TokenPrompt(tuple(prompt)), 50), queues[-1].put)
        if rng.random() < 0.9:
            generation.cancel()
    reasons = [collect(queue).reason for queue in queues]
    assert reasons.count("cancelled") > 50
    assert reasons.count("length") + reasons.count("eos") + reasons.count("fim") > 2
    check_integrity(engine)
    assert threading.active_count() <= threads  # one of another test may have ended meanwhile


def test_close_cancels_what_runs(model_folder: Path) -> None:
    engine = fresh_engine(model_folder)
    updates: SimpleQueue[Update] = SimpleQueue()
    engine.submit(Request(TokenPrompt(tuple(random_prompt(40, 100))), 5000), updates.put)
    engine.close()
    assert collect(updates).reason == "cancelled"


@pytest.mark.parametrize("is_broken", [False, True])
def test_a_request_is_answered_when_the_engine_is_closed_while_it_loads(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch, is_broken: bool
) -> None:
    may_load, build = threading.Event(), inference.loader.build_scheduler

    def build_late(*arguments: Any) -> Any:
        may_load.wait(60)
        if is_broken:
            raise ModelError("its weights are cut")
        return build(*arguments)

    monkeypatch.setattr(inference.loader, "build_scheduler", build_late)
    engine = LocalEngine(EngineSettings(model=model_folder, cache_bytes=4 << 20))
    updates: SimpleQueue[Update] = SimpleQueue()
    engine.submit(Request(TokenPrompt(tuple(random_prompt(41, 20))), 5), updates.put)
    closing = threading.Thread(target=engine.close)
    closing.start()
    while not engine._inbox.is_closing:
        time.sleep(0.001)
    may_load.set()
    closing.join()
    assert collect(updates).reason == "cancelled"


def test_a_request_that_comes_after_the_end_of_the_engine_is_cancelled(model_folder: Path) -> None:
    engine = fresh_engine(model_folder)
    engine.close()
    assert generate(engine, random_prompt(42, 20)).reason == "cancelled"
