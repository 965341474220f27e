"""A fault ends the requests that it concerns, and nothing else."""

import gc
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch

import inference.loader
import inference.scheduler
from inference.api import EngineSettings, ForeignPromptError, Request, Update
from inference.edit_window import EditWindow
from inference.local_engine import LocalEngine
from inference.native.head_screen import HeadScreen
from inference.prompts.prompt import TokenPrompt
from inference.remote.prompt import HolePrompt
from inference.scheduler import Scheduler
from midspan import CapacityError, MidspanError, ModelError
from tests.inference.engines import BOS, after_each_step, check_integrity, fresh_engine, random_prompt
from tests.inference.folders import QWEN, write_folder
from tests.inference.generate import generate


class Panic(BaseException):
    """A stand-in for the panic of a Rust library, which is no Exception."""


def test_a_failing_step_ends_its_requests_and_nothing_else(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = engine._scheduler
    assert scheduler is not None
    expected = generate(engine, random_prompt(30, 40)).text

    def fail(_logits: torch.Tensor) -> None:
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        after_each_step(engine, patch, fail)  # a fault is injected
        failed = generate(engine, random_prompt(31, 40))
    assert failed.reason == "error"
    assert isinstance(failed.error, MidspanError)
    assert "out of memory" in str(failed.error)
    assert generate(engine, random_prompt(30, 40)).text == expected
    check_integrity(engine)


def test_a_panic_of_a_native_library_ends_its_requests_and_nothing_else(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = engine._scheduler
    assert scheduler is not None
    expected = generate(engine, random_prompt(30, 40)).text

    def panic(*_: object) -> torch.Tensor:
        raise Panic("index out of range")

    with monkeypatch.context() as patch:
        patch.setattr(inference.scheduler, "begin_pass", panic)  # a fault is injected
        failed = generate(engine, random_prompt(31, 40))
        assert "index out of range" in str(failed.error)
    assert generate(engine, random_prompt(30, 40)).text == expected
    check_integrity(engine)


def test_a_fault_while_a_request_is_admitted_is_told_to_it_and_keeps_no_page(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("no generator")

    with monkeypatch.context() as patch:
        patch.setattr(inference.scheduler, "Sampler", fail)  # a fault is injected
        failed = generate(engine, random_prompt(34, 40))
    assert "no generator" in str(failed.error)
    check_integrity(engine)


def test_a_fault_while_the_engine_rests_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = threading.Event()

    def fail(_: HeadScreen) -> bool:
        tried.set()
        raise RuntimeError("not enough memory")

    monkeypatch.setattr(HeadScreen, "make", fail)  # a fault is injected
    engine = fresh_engine(write_folder(tmp_path / "model", QWEN))
    try:
        first = generate(engine, random_prompt(35, 80))
        assert tried.wait(60)
        assert generate(engine, random_prompt(35, 80)).text == first.text
        assert generate(engine, random_prompt(36, 80)).reason in ("length", "eos", "fim")
        check_integrity(engine)
    finally:
        engine.close()
    assert caplog.text.count("not enough memory") == 2  # the line of the log, and that of its traceback


def test_an_engine_that_has_no_memory_left_for_its_cache_is_told_to_have_failed(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever starts engines then starts another one."""
    engine = fresh_engine(model_folder)

    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("no memory")

    monkeypatch.setattr(inference.scheduler, "begin_pass", fail)  # faults are injected
    monkeypatch.setattr(inference.scheduler, "allocate_what_fits", fail)
    assert isinstance(generate(engine, random_prompt(37, 40)).error, CapacityError)
    later = generate(engine, random_prompt(38, 40))
    assert "has ended: no memory" in str(later.error)
    assert "has ended" in str(engine.ready.exception(timeout=60))
    assert engine.stats().pages_total == 0
    engine.close()


def test_a_load_that_fails_at_its_end_gives_back_what_was_loaded(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, checks, build = list[weakref.ref[Scheduler]](), [], inference.loader.build_scheduler

    def build_and_note(*arguments: Any) -> Any:
        built = build(*arguments)
        loaded.append(weakref.ref(built[0]))
        return built

    def confirm() -> None:
        checks.append(1)
        if len(checks) == 2:
            raise ModelError("the files have changed")

    monkeypatch.setattr(inference.loader, "build_scheduler", build_and_note)
    engine = LocalEngine(EngineSettings(model=model_folder, cache_bytes=4 << 20, confirm=confirm))
    assert "have changed" in str(generate(engine, random_prompt(39, 20)).error)
    gc.collect()
    assert [each() for each in loaded] == [None]
    engine.close()


def test_a_receiver_that_fails_does_not_stop_the_engine(engine: LocalEngine) -> None:
    def fail(_: Update) -> None:
        raise ValueError("the receiver is broken")

    engine.submit(Request(TokenPrompt(tuple(random_prompt(32, 40))), 500), fail)
    assert generate(engine, random_prompt(33, 40)).reason in ("length", "eos", "fim")
    deadline = time.monotonic() + 30
    while engine.stats().live_requests and time.monotonic() < deadline:
        time.sleep(0.01)
    check_integrity(engine)


def test_requests_that_cannot_run_are_refused_with_the_numbers(engine: LocalEngine) -> None:
    info = engine.info
    with pytest.raises(CapacityError, match=f"200000 tokens and {info.name} takes {info.context_tokens}"):
        engine.submit(Request(TokenPrompt((1,) * 199_000), 1000), print)
    with pytest.raises(CapacityError, match="needs a prompt"):
        engine.submit(Request(TokenPrompt(()), 10), print)
    with pytest.raises(ForeignPromptError, match="Ask again"):
        engine.submit(Request(HolePrompt("a", "b"), 10), print)


def test_a_prompt_of_another_local_model_is_refused(engine: LocalEngine, tmp_path: Path) -> None:
    """Its ids may lie behind the end of the model's embedding, in memory that is not mapped."""
    other = fresh_engine(write_folder(tmp_path / "other"))
    window = EditWindow("a.py", 1, "x = 1\n", "x = 2\n", 0, "", "")
    prompts = other.fim_prompt("", "x = ", "\n"), other.edit_prompt(window).prompt
    try:
        for prompt in prompts:
            with pytest.raises(ForeignPromptError, match="Ask again"):
                engine.submit(Request(prompt, 10), print)
            assert generate(other, prompt).reason in ("length", "eos", "fim")
    finally:
        other.close()


def test_a_panic_while_loading_is_told_to_every_request(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def panic(*_: object) -> None:
        raise Panic("range end index 18446744073709551610")

    monkeypatch.setattr("inference.local_engine.Tokenizer", panic)  # a fault is injected
    engine = LocalEngine(EngineSettings(model=model_folder))
    with pytest.raises(ModelError, match="cannot be loaded: range end index"):
        engine.ready.result(timeout=60)
    with pytest.raises(ModelError, match="range end index"):
        engine.count_tokens("x = 1")
    engine.close()


def test_a_load_that_fails_is_told_to_every_request(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "cut")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    engine = LocalEngine(EngineSettings(model=folder))
    assert isinstance(engine.ready.exception(timeout=60), ModelError)
    for _ in range(2):
        failed = generate(engine, [BOS, 1])
        assert failed.reason == "error"
        assert "corrupt or truncated" in str(failed.error)
    engine.close()
