"""The chunks of a long prefill."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from inference.api import EngineSettings, Request
from inference.live_sequence import LiveSequence
from inference.loader import build_scheduler
from inference.models.batch import Work
from inference.models.description import read_family
from inference.native.model import NativeModel, NativePass
from inference.prompts.prompt import TokenPrompt
from inference.prompts.text_stream import TextStream
from inference.prompts.tokenizer import Tokenizer
from kernels.cpu.library import native_library
from tests.inference.folders import LITE, QWEN, config_of, write_folder

CHUNK_TOKENS, PROMPT_TOKENS = 16, 500

pytestmark = pytest.mark.skipif(native_library().functions is None, reason="the native library is not built")


def steps_of_prefill(folder: Path, raw_config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the new tokens of each step."""
    write_folder(folder, raw_config)
    tokenizer = Tokenizer(folder, read_family(folder))
    settings = EngineSettings(cache_bytes=8 << 20, chunk_tokens=CHUNK_TOKENS)
    scheduler = build_scheduler(folder, config_of(raw_config), tokenizer, 4096, settings)[0]
    steps: list[int] = []
    begin = NativeModel.begin_works

    def record(model: NativeModel, works: Sequence[Work], *arguments: Any) -> NativePass:
        steps.append(sum(len(work.tokens) for work in works))
        return begin(model, works, *arguments)

    monkeypatch.setattr(NativeModel, "begin_works", record)
    request = Request(TokenPrompt(tuple(range(1, 251)) * 2), max_new_tokens=1)
    scheduler.add(LiveSequence(request, lambda update: None, TextStream(tokenizer), 4096))
    with torch.inference_mode():
        while scheduler.live_count or scheduler.waiting_count:
            scheduler.step()
    return steps


def test_the_chunks_of_latent_attention_grow_to_a_part_of_the_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = steps_of_prefill(tmp_path, LITE, monkeypatch)
    assert sum(steps) == PROMPT_TOKENS
    assert steps[:9] == [CHUNK_TOKENS] * 9
    for index, step in enumerate(steps[:-1]):
        assert step == max(CHUNK_TOKENS, sum(steps[:index]) // 8)
    assert max(steps) > 2 * CHUNK_TOKENS


def test_the_chunks_of_other_attention_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert steps_of_prefill(tmp_path, QWEN, monkeypatch)[:-1] == [CHUNK_TOKENS] * (PROMPT_TOKENS // CHUNK_TOKENS)
