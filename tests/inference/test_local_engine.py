"""The engine gives the same tokens however they are computed, and ends where it should."""

import math
from pathlib import Path
from queue import SimpleQueue

import pytest
import torch

from inference.api import Request, Sampling, Update
from inference.local_engine import LocalEngine
from inference.prompts.prompt import TokenPrompt
from tests.inference.engines import after_each_step, check_integrity, fresh_engine, random_prompt
from tests.inference.generate import collect, generate


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


def with_probabilities(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch, probabilities: list[float]) -> None:
    """Let the next tokens be "a", each with one of these probabilities."""

    def force_probability(logits: torch.Tensor) -> None:
        if len(logits):
            likeliest = probabilities.pop(0)
            logits.fill_(-1e9)
            logits[:, ord("a")], logits[:, ord("b")] = math.log(likeliest), math.log(1 - likeliest)

    after_each_step(engine, monkeypatch, force_probability)


def test_confidence_is_the_geometric_mean_of_the_probabilities_of_what_was_written(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_probabilities(engine, monkeypatch, [0.9, 0.6, 0.75])
    output = generate(engine, random_prompt(20, 31), max_new_tokens=3)
    assert output.text == "aaa"
    assert output.trace.confidence == pytest.approx((0.9 * 0.6 * 0.75) ** (1 / 3), rel=1e-5)
    assert [end for end, _ in output.trace.written] == [1, 2, 3]
    assert [math.exp(logprob) for _, logprob in output.trace.written] == pytest.approx([0.9, 0.6, 0.75], rel=1e-5)


def test_an_output_without_hope_ends_at_once(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    with_probabilities(engine, monkeypatch, [0.9, 0.6, 0.6, 0.9, 0.9])
    output = generate(engine, random_prompt(20, 32), max_new_tokens=5, least_logprob=math.log(0.5))
    assert (output.text, output.reason) == ("aaa", "over")


def test_sampling_repeats_with_a_seed_and_varies_without(engine: LocalEngine) -> None:
    prompt = random_prompt(20, 30)
    texts = [generate(engine, prompt, sampling=Sampling(1.5, 0.95, seed)).text for seed in (1, 1, 2, 3)]
    assert texts[0] == texts[1]
    assert len(set(texts)) > 1
    greedy = generate(engine, prompt).text
    # A nucleus of only the likeliest token is greedy.
    assert generate(engine, prompt, sampling=Sampling(1.0, 0.0, 4)).text == greedy
