"""A request with a quick prompt reads that where much of the whole one would have to be computed."""

from pathlib import Path

import pytest

from inference.api import Request
from inference.prompts.prompt import TokenPrompt
from tests.inference.folders import QWEN
from tests.inference.small_scheduler import Running, start

WHOLE = TokenPrompt(tuple(number % 251 for number in range(200)))
QUICK = TokenPrompt(tuple((7 * number) % 251 for number in range(40)))
BOTH = Request(WHOLE, 6, quick_prompt=QUICK)


@pytest.fixture
def running(tmp_path: Path) -> Running:
    return start(tmp_path, QWEN, "none")


def test_a_cold_prompt_is_answered_from_the_quick_one(running: Running) -> None:
    (quick,) = running.run(BOTH)
    trace = quick.sequence.trace()
    assert (trace.is_quick, trace.prompt_tokens, trace.prefilled_tokens) == (True, 40, 40)
    (alone,) = running.run(Request(QUICK, 6))
    assert quick.output == alone.output


def test_a_prompt_that_is_read_is_answered_from_all_of_it(running: Running) -> None:
    (whole,) = running.run(Request(WHOLE, 6))
    (both,) = running.run(BOTH)
    trace = both.sequence.trace()
    assert (trace.is_quick, trace.prompt_tokens) == (False, 200)
    assert both.output == whole.output


def test_what_is_missing_counts_and_not_the_length(running: Running) -> None:
    """140 of 200 tokens are read: the other 60 are as many as one and a half quick prompts."""
    running.run(Request(TokenPrompt(WHOLE.tokens[:140]), 1))
    (done,) = running.run(BOTH)
    assert not done.sequence.trace().is_quick


def test_a_prompt_of_which_more_is_missing_is_cold(running: Running) -> None:
    running.run(Request(TokenPrompt(WHOLE.tokens[:120]), 1))
    (done,) = running.run(BOTH)
    assert done.sequence.trace().is_quick


def test_a_request_without_a_quick_prompt_reads_all(running: Running) -> None:
    (done,) = running.run(Request(WHOLE, 6))
    assert (done.sequence.trace().is_quick, done.sequence.trace().prefilled_tokens) == (False, 200)
