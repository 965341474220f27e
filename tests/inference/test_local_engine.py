"""The engine gives the same tokens however they are computed, and leaks nothing."""

import json
import math
import random
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from subprocess import run

import pytest
import torch

from inference.api import EngineSettings, ForeignPromptError, Request, Sampling, Update
from inference.local_engine import LocalEngine
from inference.models.batch import Batch
from inference.models.description import ModelDescription, read_description
from inference.prompts.prompt import TokenPrompt
from inference.remote.prompt import HolePrompt
from midspan import CapacityError, MidspanError, ModelError
from tests.inference.folders import LITE, write_folder
from tests.inference.generate import collect, generate

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
    forward = engine._scheduler._model.forward

    def forward_and_act(batch: Batch, pages: torch.Tensor) -> torch.Tensor:
        logits = forward(batch, pages)
        act(logits)
        return logits

    monkeypatch.setattr(engine._scheduler._model, "forward", forward_and_act)


def fresh_engine(folder: Path, **settings: int) -> LocalEngine:
    engine = LocalEngine(EngineSettings(model=folder, **{"cache_bytes": 4 << 20, **settings}))  # type: ignore[arg-type]  # ints only
    engine.ready.result(timeout=60)
    return engine


@pytest.fixture(scope="module")
def plain_outputs(model_folder: Path) -> dict[int, str]:
    """Greedy text of each prompt on an engine that never saw another, the whole prompt in one chunk."""
    outputs = {}
    for length in (5, 48, 49, 130, 300):
        engine = fresh_engine(model_folder, chunk_tokens=4096)
        outputs[length] = generate(engine, random_prompt(length, length)).text
        engine.close()
    return outputs


@pytest.mark.parametrize("chunk_tokens", [1, 7, 16, 100])
def test_chunked_prefill_gives_the_tokens_of_whole_prefill(
    model_folder: Path, plain_outputs: dict[int, str], chunk_tokens: int
) -> None:
    engine = fresh_engine(model_folder, chunk_tokens=chunk_tokens)
    for length, expected in plain_outputs.items():
        assert generate(engine, random_prompt(length, length)).text == expected
    check_integrity(engine)
    engine.close()


def test_cached_prompts_give_the_tokens_of_uncached_ones(engine: LocalEngine, plain_outputs: dict[int, str]) -> None:
    for length, expected in plain_outputs.items():
        prompt = random_prompt(length, length)
        generate(engine, [*prompt[: length // 2], 7, 7, 7])  # leaves a prefix that ends within a page
        half_cached = generate(engine, prompt)
        whole_cached = generate(engine, prompt)
        assert half_cached.text == whole_cached.text == expected
        assert half_cached.trace.cached_tokens >= length // 2
        assert whole_cached.trace.cached_tokens == length - 1, "only the last token is run again"
        assert whole_cached.trace.prefilled_tokens == 1
    check_integrity(engine)


def test_requests_that_run_together_give_what_each_gives_alone(
    engine: LocalEngine, plain_outputs: dict[int, str]
) -> None:
    queues = {}
    for length in plain_outputs:
        queues[length] = SimpleQueue[Update]()
        engine.submit(Request(TokenPrompt(tuple(random_prompt(length, length))), 24), queues[length].put)
    assert {length: collect(queue).text for length, queue in queues.items()} == plain_outputs
    check_integrity(engine)


def test_a_small_cache_is_shared_by_waiting(model_folder: Path, plain_outputs: dict[int, str]) -> None:
    token_bytes = 3 * (32 + 8 if model_folder.name == "lite" else 2 * 2 * 16) * 4
    engine = fresh_engine(model_folder, cache_bytes=21 * 16 * token_bytes)  # room for one long request
    queues = []
    for length in [300, 130, 300, 49]:
        queues.append((length, SimpleQueue[Update]()))
        engine.submit(Request(TokenPrompt(tuple(random_prompt(length, length))), 24), queues[-1][1].put)
    for length, queue in queues:
        assert collect(queue).text == plain_outputs[length]
    check_integrity(engine)
    with_too_much = generate(engine, random_prompt(1, 400))
    assert with_too_much.reason == "error"
    assert "raise cache_bytes" in str(with_too_much.error)
    assert generate(engine, random_prompt(49, 49)).text == plain_outputs[49]
    engine.close()


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


def test_generation_stops_at_eos_at_fim_sentinels_and_at_the_line_budget(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    script: list[int] = []

    def force_next(logits: torch.Tensor) -> None:
        if len(logits):
            logits[:, script.pop(0)] = 1e9

    after_each_step(engine, monkeypatch, force_next)

    def say(tokens: list[int], max_lines: int | None = None) -> tuple[str, str]:
        script[:] = tokens
        output = generate(engine, random_prompt(1, 20), 10, max_lines)
        return output.text, output.reason

    sentinels = engine.tokenizer.sentinels
    assert sentinels.fim is not None
    a, newline, eos, begin = ord("a"), ord("\n"), sentinels.eos, sentinels.fim.begin
    assert say([a, a, eos]) == ("aa", "eos")
    assert say([a, begin]) == ("a", "fim")
    assert say([a, newline, a, newline], max_lines=2) == ("a\na", "lines")
    assert say([newline], max_lines=1) == ("", "lines")
    assert say([a] * 10) == ("a" * 10, "length")
    # A character is handed out whole, and a cut one as U+FFFD.
    assert say([0xE2, 0x82, 0xAC, eos]) == ("€", "eos")
    assert say([a, 0xE2, eos]) == ("a\ufffd", "eos")


def test_confidence_is_the_geometric_mean_of_the_probabilities_of_what_was_written(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    probabilities = [0.9, 0.6, 0.75]

    def force_probability(logits: torch.Tensor) -> None:
        if len(logits):
            likeliest = probabilities.pop(0)
            logits.fill_(-1e9)
            logits[:, ord("a")], logits[:, ord("b")] = math.log(likeliest), math.log(1 - likeliest)

    after_each_step(engine, monkeypatch, force_probability)
    output = generate(engine, random_prompt(20, 31), max_new_tokens=3)
    assert output.text == "aaa"
    assert output.trace.confidence == pytest.approx((0.9 * 0.6 * 0.75) ** (1 / 3), rel=1e-5)


def test_sampling_repeats_with_a_seed_and_varies_without(engine: LocalEngine) -> None:
    prompt = random_prompt(20, 30)
    texts = [generate(engine, prompt, sampling=Sampling(1.5, 0.95, seed)).text for seed in (1, 1, 2, 3)]
    assert texts[0] == texts[1]
    assert len(set(texts)) > 1
    greedy = generate(engine, prompt).text
    # A nucleus of only the likeliest token is greedy.
    assert generate(engine, prompt, sampling=Sampling(1.0, 0.0, 4)).text == greedy


def test_a_failing_step_ends_its_requests_and_nothing_else(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = engine._scheduler
    assert scheduler is not None
    forward = scheduler._model.forward
    expected = generate(engine, random_prompt(30, 40)).text

    def fail(*_: object) -> torch.Tensor:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(scheduler._model, "forward", fail)  # a fault is injected
    failed = generate(engine, random_prompt(31, 40))
    assert failed.reason == "error"
    assert isinstance(failed.error, MidspanError)
    assert "out of memory" in str(failed.error)
    monkeypatch.setattr(scheduler._model, "forward", forward)  # the fault ends
    assert generate(engine, random_prompt(30, 40)).text == expected
    check_integrity(engine)


def test_a_receiver_that_fails_does_not_stop_the_engine(engine: LocalEngine) -> None:
    def fail(_: Update) -> None:
        raise ValueError("the receiver is broken")

    engine.submit(Request(TokenPrompt(tuple(random_prompt(32, 40))), 500), fail)
    assert generate(engine, random_prompt(33, 40)).reason in ("length", "eos", "fim")
    deadline = time.monotonic() + 30
    while engine.stats().live_requests and time.monotonic() < deadline:
        time.sleep(0.01)
    check_integrity(engine)


def test_close_cancels_what_runs(model_folder: Path) -> None:
    engine = fresh_engine(model_folder)
    updates: SimpleQueue[Update] = SimpleQueue()
    engine.submit(Request(TokenPrompt(tuple(random_prompt(40, 100))), 5000), updates.put)
    engine.close()
    assert collect(updates).reason == "cancelled"


def test_requests_that_cannot_run_are_refused_with_the_numbers(engine: LocalEngine) -> None:
    info = engine.info
    with pytest.raises(CapacityError, match=f"200000 tokens and {info.name} takes {info.context_tokens}"):
        engine.submit(Request(TokenPrompt((1,) * 199_000), 1000), print)
    with pytest.raises(CapacityError, match="needs a prompt"):
        engine.submit(Request(TokenPrompt(()), 10), print)
    with pytest.raises(ForeignPromptError, match="Ask again"):
        engine.submit(Request(HolePrompt("a", "b"), 10), print)


def test_bad_folders_are_refused_by_name(model_folder: Path, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "llama")
    (folder / "config.json").write_text(json.dumps({**LITE, "model_type": "llama9"}))
    for bad, message in [(tmp_path / "nowhere", "no such model folder"), (folder, "model_type is 'llama9'")]:
        engine = LocalEngine(EngineSettings(model=bad))
        for ask in (engine.describe, lambda engine=engine: engine.fim_prompt("", "a", "b"), engine.ready.result):
            with pytest.raises(ModelError, match=message):
                ask()
        with pytest.raises(ModelError, match=message):
            generate(engine, [BOS, 1])
        engine.close()


def test_the_caller_reads_nothing_of_the_folder(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event loop makes engines: a folder that answers slowly must not hold it up."""
    read = threading.Event()

    def read_slowly(folder: Path) -> ModelDescription:
        read.wait(60)
        return read_description(folder)

    monkeypatch.setattr("inference.local_engine.read_description", read_slowly)
    engine = LocalEngine(EngineSettings(model=model_folder, cache_bytes=4 << 20))
    assert engine.info.name == model_folder.name
    assert engine.stats().live_requests == 0
    assert not engine.ready.done()
    read.set()
    engine.ready.result(timeout=60)
    assert engine.info.context_tokens > 0
    engine.close()


class Panic(BaseException):
    """A stand-in for the panic of a Rust library, which is no Exception."""


def test_a_panic_of_a_native_library_ends_its_requests_and_nothing_else(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = engine._scheduler
    assert scheduler is not None
    expected = generate(engine, random_prompt(30, 40)).text

    def panic(*_: object) -> torch.Tensor:
        raise Panic("index out of range")

    with monkeypatch.context() as patch:
        patch.setattr(scheduler._model, "forward", panic)  # a fault is injected
        failed = generate(engine, random_prompt(31, 40))
        assert "index out of range" in str(failed.error)
    assert generate(engine, random_prompt(30, 40)).text == expected
    check_integrity(engine)


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


def test_a_model_without_fim_refuses_to_fill_and_says_what_to_use(tmp_path: Path) -> None:
    chat_only = write_folder(tmp_path / "chat", {**LITE, "midspan": {"fim_orders": []}})
    engine = LocalEngine(EngineSettings(model=chat_only))
    with pytest.raises(ModelError, match="not trained to fill a hole"):
        engine.fim_prompt("", "a", "b")
    engine.close()


def test_importing_the_engine_does_not_import_torch() -> None:
    code = "import sys, inference.local_engine; sys.exit('torch' in sys.modules)"
    assert run([sys.executable, "-c", code], check=False).returncode == 0
