"""The long prompt of one session holds up no other session for longer than it must."""

import random
from pathlib import Path

from inference.api import Request
from inference.prompts.prompt import TokenPrompt
from tests.inference.folders import QWEN
from tests.inference.small_scheduler import PROMPT, start

LONG = TokenPrompt(tuple(random.Random(2).randrange(256) for _ in range(400)))
SHORT = TokenPrompt(tuple(random.Random(3).randrange(256) for _ in range(20)))
CHUNK_TOKENS = 64


def test_a_prompt_is_read_in_small_chunks_while_another_sequence_decodes(tmp_path: Path) -> None:
    running = start(tmp_path, QWEN, "none")
    decoding, _ = running.start(Request(PROMPT, 10))
    running.step()
    reading, _ = running.start(Request(LONG, 10))
    for tokens in range(1, 5):
        before = reading.num_computed_tokens
        running.step()
        assert 0 < reading.num_computed_tokens - before <= CHUNK_TOKENS // 8
        assert decoding.output_tokens == 1 + tokens
    decoding.cancelled = True
    before = reading.num_computed_tokens
    running.step()
    assert reading.num_computed_tokens - before == CHUNK_TOKENS


def test_a_short_prompt_does_not_wait_for_a_long_one(tmp_path: Path) -> None:
    running = start(tmp_path, QWEN, "none")
    long, _ = running.start(Request(LONG, 10))
    running.step()
    short, _ = running.start(Request(SHORT, 10))
    before = long.num_computed_tokens
    running.step()
    assert short.output_tokens == 1
    assert long.num_computed_tokens - before == CHUNK_TOKENS - SHORT.num_tokens
