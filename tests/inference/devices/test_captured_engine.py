"""The engine writes the same with captured decode steps as without them. The capture is replaced by a plain call."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inference import loader
from inference.api import Request, Sampling
from inference.devices.captured_step import CapturedDecoder
from inference.models.decoder import Decoder
from inference.prompts.prompt import TokenPrompt
from tests.inference.engines import random_prompt
from tests.inference.folders import CODER_V1, LITE, QWEN
from tests.inference.small_scheduler import Done, Restless, edit, start

CONFIGS = {"llama": CODER_V1, "qwen": QWEN, "lite": LITE}


@pytest.mark.parametrize("name", CONFIGS)
def test_the_engine_writes_the_same(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "_native_functions", lambda _: None)
    monkeypatch.setattr(loader, "try_reading", lambda *_: 1.0)
    plain = Request(TokenPrompt(tuple(random_prompt(1, 50))), 12)
    sampled = Request(TokenPrompt(tuple(random_prompt(2, 20))), 12, sampling=Sampling(0.8, 0.9, 1))
    begun = replace(plain, begins_with="ab", prompt=TokenPrompt(tuple(random_prompt(3, 30))))

    def run(folder: Path, *, is_captured: bool) -> tuple[list[Done], int]:
        running = start(folder, CONFIGS[name], "none")
        restless: Any = running.scheduler._model
        assert isinstance(restless, Restless)
        decoder = restless._model
        assert isinstance(decoder, Decoder)
        replays = 0

        def capture(compute: Callable[[], None]) -> Callable[[], None]:
            def replay() -> None:
                nonlocal replays
                replays += 1
                compute()

            return replay

        model = CapturedDecoder(decoder, running.tokenizer.vocab_size, capture)
        running.scheduler._model = model if is_captured else decoder
        (first,) = running.run(plain)
        drafted = replace(plain, drafts=edit([*first.output[:4], 7, *first.output[4:]]))
        return [first, *running.run(drafted, sampled, begun, plain)], replays

    without, none = run(tmp_path / "without", is_captured=False)
    captured, replayed = run(tmp_path / "captured", is_captured=True)
    seen = [[done.what_the_user_sees() for done in each] for each in (without, captured)]
    assert seen[0] == seen[1]
    assert captured[1].sequence.accepted_tokens == without[1].sequence.accepted_tokens > 0
    assert (none, replayed > 10) == (0, True)
