"""The score of a given output is the probability by which decoding chooses it, alone, batched, healed and copying."""

from collections.abc import Sequence
from dataclasses import replace
from queue import SimpleQueue

import pytest

from inference.api import EngineSettings, Request, Update
from inference.local_engine import LocalEngine
from inference.prompts.prompt import read_tokens
from tests.inference.copying.test_copied_decoding import ask, running
from tests.inference.prompts.test_healing import logits_after
from tests.inference.small_scheduler import Running

__all__ = ["running"]  # a fixture

LINES = ("return total", "turn seven", "return self.total() # and more than one step drafts otherwise")


def given(running: Running, request: Request, text: str) -> Request:
    tokens = tuple(running.tokenizer.encode(text))
    return replace(request, given=tokens, max_new_tokens=len(tokens) + 1, max_lines=1)


def test_it_is_the_product_of_the_probabilities_and_of_a_line_end(running: Running) -> None:
    request = replace(ask(running, 1), may_copy=False)
    ends = [10, *running.tokenizer.sentinels.ends]
    scored = [given(running, request, text) for text in LINES]
    together = running.run(*scored)
    for one, done, text in zip(scored, together, LINES, strict=True):
        expected = [
            logits_after(running, [*read_tokens(one.prompt), *one.given[:place]]).log_softmax(-1)
            for place in range(len(one.given) + 1)
        ]
        by_token = [float(row[token]) for row, token in zip(expected, one.given, strict=False)]
        logprobs = [logprob for _, logprob in done.sequence.trace().written]
        assert logprobs == pytest.approx([*by_token, float(expected[-1][ends].logsumexp(-1))], abs=1e-3)
        assert (done.text, done.reason, done.steps) == (text, "lines", together[0].steps)
        alone = running.run(one)[0].sequence.trace().written
        assert [logprob for _, logprob in alone] == pytest.approx(logprobs, abs=1e-4)
    assert running.run(*scored)[0].steps == 1, "behind a prompt in the cache, one batch scores all"


@pytest.mark.parametrize("begun", ["", "tu"])
def test_the_output_of_decoding_has_the_score_that_decoding_gave_it(running: Running, begun: str) -> None:
    """Also where it copies and heals: both have the same distribution at each token."""
    request = replace(ask(running, 3, begun=begun), max_new_tokens=12)
    done = running.run(request)[0]
    output = done.output[: done.output.index(10)] if 10 in done.output else done.output
    decoded = done.sequence.trace().written[: len(output) - len(begun)]
    asked = replace(request, given=tuple(output), max_new_tokens=len(output) + 1, max_lines=1)
    scored = running.run(asked)[0].sequence.trace().written
    assert [end for end, _ in scored[:-1]] == [end for end, _ in decoded]
    assert [logprob for _, logprob in scored[:-1]] == pytest.approx([logprob for _, logprob in decoded], abs=1e-4)
    assert len(decoded) > 3


def test_a_token_that_goes_beyond_the_begun_word_has_the_score_of_decoding() -> None:
    """The built-in model's tokens are longer than a byte."""
    engine = LocalEngine(EngineSettings())
    try:
        prompt = engine.fim_prompt("", "class Rect:\n    def area(self):\n        ", "\n")
        request = Request(prompt, 12, max_lines=1, begins_with="re")
        decoded, text = written(engine, request)
        given = engine.draft("prediction", request.begins_with + text).tokens
        scored, _ = written(engine, replace(request, given=given, max_new_tokens=len(given) + 1))
        assert len(engine.tokenizer.token_bytes(given[0])) > len("re")
        assert [logprob for _, logprob in scored][: len(given)] == pytest.approx(
            [logprob for _, logprob in decoded][: len(given)], abs=1e-3
        )
    finally:
        engine.close()


def written(engine: LocalEngine, request: Request) -> tuple[Sequence[tuple[int, float]], str]:
    """Return the log-probabilities of the output and its text."""
    updates: SimpleQueue[Update] = SimpleQueue()
    engine.submit(request, updates.put)
    text = ""
    while (update := updates.get(timeout=60)).finish_reason is None:
        text += update.text
    assert update.trace is not None
    return update.trace.written, text + update.text
