"""An output with a draft ends where it ends without; a sampled output takes no draft."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inference.api import Request, Sampling, Update
from inference.live_sequence import LiveSequence
from inference.models.batch import Batch
from inference.models.forward_pass import ForwardPass
from inference.prompts.text_stream import TextStream
from tests.inference.changed_pass import ChangedPass
from tests.inference.folders import QWEN
from tests.inference.small_scheduler import CONTEXT_TOKENS, PROMPT, Running, cached_tokens, edit, forget, start

NEWLINE = ord("\n")


class Scripted:
    """A model that writes a script by position; its cache entries are the real model's."""

    def __init__(self, running: Running, script: Sequence[int]) -> None:
        self._model = running.scheduler._model
        self._script = script

    def forward(self, batch: Batch, pages: torch.Tensor) -> torch.Tensor:
        return self._scripted(batch, self._model.forward(batch, pages))

    def begin(self, batch: Batch, pages: torch.Tensor) -> ForwardPass:
        return ChangedPass(self._model.begin(batch, pages), lambda logits: self._scripted(batch, logits))

    def _scripted(self, batch: Batch, logits: torch.Tensor) -> torch.Tensor:
        for row, position in enumerate(batch.positions[batch.logit_rows].tolist()):
            logits[row, self._script[position - PROMPT.num_tokens + 1]] = 1e9
        return logits


@pytest.mark.parametrize("budget", [1, 2, 9, 40])
@pytest.mark.parametrize("ends_at", [0, 1, 5, 20])
@pytest.mark.parametrize("end", ["eos", "fim", "lines", "length"])
def test_an_output_ends_within_a_draft_where_it_ends_without(
    end: str, ends_at: int, budget: int, tmp_path: Path
) -> None:
    running = start(tmp_path, QWEN, "none")
    sentinels = running.tokenizer.sentinels
    assert sentinels.fim is not None
    ending = {"eos": sentinels.eos, "fim": sentinels.fim.begin, "lines": NEWLINE, "length": ord("x")}[end]
    letters = [ord("a") + index % 26 for index in range(60)]
    script = [*letters[:ends_at], ending, *letters[ends_at:]]
    running.scheduler._model = Scripted(running, script)
    plain = running.run(Request(PROMPT, budget, max_lines=1))[0]
    cached = cached_tokens(running.scheduler)
    forget(running)
    done = running.run(Request(PROMPT, budget, max_lines=1, drafts=edit(script)))[0]
    assert done.what_the_user_sees() == plain.what_the_user_sees() if plain.output else done.reason == plain.reason
    assert cached_tokens(running.scheduler) == cached


def test_a_receiver_that_fails_ends_its_request_within_a_draft(tmp_path: Path) -> None:
    running = start(tmp_path, QWEN, "none")
    running.scheduler._model = Scripted(running, [ord("a")] * 60)

    def fail(_: Update) -> None:
        raise ValueError("the receiver is broken")

    request = Request(PROMPT, 40, drafts=edit((ord("a"),) * 40))
    drafter = running.drafting.begin(request, running.tokenizer.sentinels.fim)
    sequence = LiveSequence(request, fail, TextStream(running.tokenizer), CONTEXT_TOKENS, drafter)
    running.scheduler.add(sequence)
    running.step()
    running.step()
    assert not running.scheduler.live_count
    assert sequence.output_tokens == 1


def test_a_sampled_output_takes_no_draft(tmp_path: Path) -> None:
    running = start(tmp_path, QWEN, "none")
    request = Request(PROMPT, 30, sampling=Sampling(1.0, 0.95, 7))
    plain = running.run(request)[0]
    drafted = running.run(replace(request, drafts=edit(plain.output)))[0]
    assert drafted.output == plain.output
    assert drafted.sequence.trace().drafted_tokens == 0
