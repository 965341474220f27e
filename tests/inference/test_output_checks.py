"""A check of the output ends a request with the token after which nothing would be used."""

from pathlib import Path

import pytest

from inference.api import Request
from tests.inference.folders import QWEN
from tests.inference.small_scheduler import NEW_TOKENS, PROMPT, Running, edit, start
from tests.inference.test_drafted_ends import Scripted

SCRIPT = b"one two three four five six seven eight nine ten eleven twelve thirteen"


@pytest.fixture
def running(tmp_path: Path) -> Running:
    running = start(tmp_path, QWEN, "none")
    running.scheduler._model = Scripted(running, list(SCRIPT))
    return running


@pytest.mark.parametrize("draft", [(), tuple(SCRIPT)])
def test_the_output_ends_with_the_token_that_the_check_refuses(running: Running, draft: tuple[int, ...]) -> None:
    request = Request(PROMPT, NEW_TOKENS, drafts=edit(draft), is_over=lambda text, _: text.endswith("five"))
    done = running.run(request)[0]
    assert (done.text, done.reason) == ("one two three four five", "over")
    assert done.sequence.output_tokens == len(done.text)


def test_no_step_is_computed_after_it(running: Running) -> None:
    assert running.run(Request(PROMPT, NEW_TOKENS, is_over=lambda text, _: len(text) == 9))[0].steps == 9


def test_the_check_is_told_the_whole_text_and_where_its_newest_piece_begins(running: Running) -> None:
    told: list[tuple[str, int]] = []

    def note(text: str, begins_at: int) -> bool:
        told.append((text, begins_at))
        return False

    done = running.run(Request(PROMPT, 5, is_over=note))[0]
    assert told == [(SCRIPT[: length + 1].decode(), length) for length in range(5)]
    assert done.reason == "length"


def test_a_check_that_fails_ends_its_request_alone(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    def fail(text: str, begins_at: int) -> bool:
        raise ValueError("the check is broken")

    broken, other = running.run(Request(PROMPT, 9, is_over=fail), Request(PROMPT, 9))
    assert broken.reason == "cancelled"
    assert (other.text, other.reason) == (SCRIPT[:9].decode(), "length")
    assert "the check of an output failed" in caplog.text
