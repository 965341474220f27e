"""The next step is launched before the host reads the tokens of the last one, and the output stays the same.

The CPU computes, and says that it is none; the capture of a graph is replaced by a plain call.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from inference import loader
from inference.api import FinishReason, Request, Sampling
from inference.devices.captured_step import CapturedDecoder, CapturedSteps
from inference.devices.token_reader import TokenReader
from inference.live_sequence import LiveSequence
from inference.models.batch import Batch
from inference.models.decoder import Decoder
from inference.prompts.prompt import TokenPrompt
from tests.inference.changed_pass import ChangedPass
from tests.inference.engines import random_prompt
from tests.inference.folders import LITE, QWEN
from tests.inference.small_scheduler import Restless, Running, cached_tokens, edit, forget, start

CONFIGS = {"qwen": QWEN, "lite": LITE}
PLAIN = Request(TokenPrompt(tuple(random_prompt(1, 50))), 12)


def engine(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Running, list[str]]:
    """Return a scheduler whose decode steps are captured, and the launches of these with the reads of their tokens."""
    monkeypatch.setattr(loader, "_native_functions", lambda _: None)
    monkeypatch.setattr(loader, "try_reading", lambda *_: 1.0)
    running, events = start(folder, CONFIGS[name], "none"), list[str]()
    restless: Any = running.scheduler._model
    assert isinstance(restless, Restless)
    decoder = restless._model
    assert isinstance(decoder, Decoder)
    begin, launch, receive = decoder.begin, CapturedSteps._launch, TokenReader.receive

    def pushed(batch: Batch, pages: Tensor) -> ChangedPass:
        return ChangedPass(begin(batch, pages), lambda logits: restless._pushed(batch, logits))

    def noted_launch(steps: CapturedSteps, *arguments: Any) -> None:
        events.append("launch")
        launch(steps, *arguments)

    def noted_read(reader: TokenReader) -> list[tuple[int, float]]:
        events.append("read")
        return receive(reader)

    monkeypatch.setattr(decoder, "begin", pushed)
    monkeypatch.setattr(CapturedSteps, "_launch", noted_launch)
    monkeypatch.setattr(TokenReader, "receive", noted_read)
    monkeypatch.setattr(Tensor, "is_cpu", False)
    running.scheduler._model = CapturedDecoder(decoder, running.tokenizer.vocab_size, lambda compute: compute)
    return running, events


def launch_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CapturedSteps, "launch_next", lambda *_: None)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_next_step_is_launched_before_the_last_token_is_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, events = engine(tmp_path / "early", name, monkeypatch)
    running.run(PLAIN)
    events.clear()
    (early,) = running.run(PLAIN)
    # The step of the prompt's last token, eleven that are launched early, and none behind the last token.
    assert events == ["launch", *["launch", "read"] * 11, "read"]
    assert early.reason == "length"
    late, events = engine(tmp_path / "late", name, monkeypatch)
    launch_late(monkeypatch)
    late.run(PLAIN)
    events.clear()
    (expected,) = late.run(PLAIN)
    assert events == ["launch", "read"] * 12
    assert early.what_the_user_sees() == expected.what_the_user_sees()
    assert len({*early.output}) > 4


def test_drafts_samples_begun_words_and_several_sequences_write_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = []
    for is_late in (False, True):
        running = engine(tmp_path / str(is_late), "lite", monkeypatch)[0]
        if is_late:
            launch_late(monkeypatch)
        (first,) = running.run(PLAIN)
        drafted = replace(PLAIN, drafts=edit([*first.output[:5], 7, *first.output[5:]]))
        sampled = Request(TokenPrompt(tuple(random_prompt(2, 20))), 9, sampling=Sampling(0.8, 0.9, 1))
        begun = replace(PLAIN, begins_with="ab", prompt=TokenPrompt(tuple(random_prompt(3, 30))))
        several = [replace(PLAIN, prompt=TokenPrompt(tuple(random_prompt(seed, 20 + seed)))) for seed in range(4, 7)]
        runs = [[first], running.run(drafted), running.run(*several), running.run(drafted, sampled, begun, PLAIN)]
        outputs.append([done.what_the_user_sees() for each in runs for done in each])
        assert runs[1][0].sequence.accepted_tokens > 0
    assert outputs[0] == outputs[1]


def ends_by_check(running: Running) -> tuple[Request, Callable[[LiveSequence], None]]:
    return replace(PLAIN, is_over=lambda text, _: len(text) >= 4), lambda _: None


def ends_by_token(running: Running) -> tuple[Request, Callable[[LiveSequence], None]]:
    decoder: Any = running.scheduler._model
    begin, end = decoder._decoder.begin, min(running.tokenizer.sentinels.ends)

    def ending(batch: Batch, pages: Tensor) -> ChangedPass:
        def end_there(logits: Tensor) -> Tensor:
            logits[:, end] += 1e4 * (batch.positions[batch.logit_rows] == 54)
            return logits

        return ChangedPass(begin(batch, pages), end_there)

    decoder._decoder.begin = ending
    return PLAIN, lambda _: None


def is_cancelled(running: Running) -> tuple[Request, Callable[[LiveSequence], None]]:
    def cancel(sequence: LiveSequence) -> None:
        sequence.cancelled = sequence.output_tokens >= 4

    return PLAIN, cancel


ENDS: dict[FinishReason, Any] = {"over": ends_by_check, "eos": ends_by_token, "cancelled": is_cancelled}


@pytest.mark.parametrize("reason", ENDS)
def test_a_step_that_was_launched_in_vain_leaves_no_trace(
    reason: FinishReason, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`Running.step` checks the pages behind every step."""
    seen = []
    for is_late in (False, True):
        running = engine(tmp_path / str(is_late), "lite", monkeypatch)[0]
        if is_late:
            launch_late(monkeypatch)
        request, look = ENDS[reason](running)
        sequence, updates = running.start(request)
        while running.scheduler.live_count or running.scheduler.waiting_count:
            running.step()
            look(sequence)
        assert updates[-1].finish_reason == reason
        steps: Any = running.scheduler._model
        assert (steps._steps._early is None) == is_late
        cached, computed = cached_tokens(running.scheduler), sequence.num_computed_tokens
        assert computed < len(sequence.tokens) or reason == "eos"
        free = running.scheduler.pool.free_count
        longer = TokenPrompt((*sequence.tokens, 9))  # begins with what was cached, and writes where the step wrote
        after = [done.what_the_user_sees() for done in running.run(replace(PLAIN, prompt=longer), PLAIN)]
        seen.append((sequence.tokens, cached, computed, free, after))
    assert seen[0] == seen[1]


def test_a_draft_waits_for_the_step_that_runs_and_none_is_launched_in_vain_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, events = engine(tmp_path, "lite", monkeypatch)
    (first,) = running.run(PLAIN)
    forget(running)
    events.clear()
    # Some tokens come before the output goes on as the draft does.
    (done,) = running.run(replace(PLAIN, drafts=edit(first.output[5:])))
    assert done.output == first.output
    sequence = done.sequence
    assert sequence.drafted_tokens >= sequence.accepted_tokens > 0
    assert [use.drafted_tokens for use in sequence.trace().drafts] == [sequence.drafted_tokens]
    assert events.count("launch") == events.count("read") < 11
    assert " ".join(events).count("launch launch read") > 0


def test_a_request_that_comes_meanwhile_takes_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running, events = engine(tmp_path, "lite", monkeypatch)
    requests = PLAIN, replace(PLAIN, prompt=TokenPrompt(tuple(random_prompt(8, 70))))
    begun = [running.start(requests[0])]
    for _ in range(4):
        running.step()
    begun.append(running.start(requests[1]))
    events.clear()
    running.step()
    assert events == []  # a prompt is read beside the token, and the step that was launched for that token is dropped
    while running.scheduler.live_count:
        running.step()
    forget(running)
    for request, (sequence, _) in zip(requests, begun, strict=True):
        (alone,) = running.run(request)
        assert sequence.tokens == alone.sequence.tokens
