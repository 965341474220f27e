"""Decode steps in buckets give what the unpadded steps give. The capture of a graph is replaced by a plain call."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from inference.api import Sampling
from inference.devices.captured_step import CapturedDecoder, CapturedPass, begin_pass
from inference.devices.graph_buckets import MOST_ROWS
from inference.devices.warm_up import capture_steps
from inference.loader import load_model
from inference.models.batch import Work, pack_batch
from inference.models.decoder import Decoder
from inference.sampler import Sampler
from tests.inference.devices.decode_steps import PAGES, STEPS, decoding
from tests.inference.folders import CODER_V1, LITE, QWEN, VOCABULARY, config_of, write_folder

CONFIGS = {"llama": CODER_V1, "qwen": QWEN, "lite": LITE}
CPU = torch.device("cpu")
TOKENIZER_TOKENS = VOCABULARY - 3  # the head has more rows
POISON = 0x5A5A5A5A5A5A5A5A  # as tokens, positions and slots, and as pages and lengths


def plain(compute: Callable[[], None]) -> Callable[[], None]:
    """Stand for the capture of a graph."""
    return compute


def random_decoder(folder: Path, raw: dict[str, Any]) -> Decoder:
    return load_model(write_folder(folder / "model", raw, seed=3), config_of(raw), torch.float32, CPU)


def cache_of(decoder: Decoder, works: list[Work]) -> Tensor:
    """Return a cache with random entries before the works, and NaN everywhere else."""
    config = decoder.config
    memory = torch.full((config.num_hidden_layers, PAGES, 16, config.page_width), torch.nan)
    for work in works:
        slots = torch.tensor(Work([0] * work.start, 0, work.pages, 0).slots(), dtype=torch.int64)
        entries = torch.randn(len(memory), len(slots), config.page_width, generator=torch.Generator().manual_seed(5))
        memory.flatten(1, 2)[:, slots] = entries
    return memory


def poison(model: CapturedDecoder, memory: Tensor) -> None:
    """Fill the buffers with what may stand there from an earlier step, and worse."""
    inputs, outputs = model.steps_of(memory)._inputs, model.steps_of(memory)._outputs
    inputs._host.fill_(POISON)
    inputs._device.fill_(POISON)
    outputs.logits.fill_(torch.nan)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_padded_step_gives_the_tokens_and_entries_of_the_unpadded_one(name: str, tmp_path: Path) -> None:
    decoder = random_decoder(tmp_path, CONFIGS[name])
    model = CapturedDecoder(decoder, TOKENIZER_TOKENS, plain)
    for sequences in STEPS.values():
        works = decoding(*sequences)
        expected_memory = cache_of(decoder, works)
        memory = expected_memory.clone()
        expected = decoder.forward(pack_batch(works, CPU), expected_memory)
        for _ in range(2):  # launched, then replayed
            poison(model, memory)
            forward_pass = begin_pass(model, works, memory)
            assert isinstance(forward_pass, CapturedPass)
            logits = forward_pass.run()
            assert forward_pass.sublayers_done == forward_pass.sublayers == 6
            torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(memory, expected_memory, rtol=1e-4, atol=1e-5, equal_nan=True)
            assert forward_pass.greedy is not None
            tokens, logprobs = Sampler(Sampling()).choose(logits[:, :TOKENIZER_TOKENS])
            read = forward_pass.greedy.read(goes_on=False)
            assert read == list(zip(tokens.tolist(), logprobs.tolist(), strict=True))


class Unable:
    """Cannot capture, at its first calls."""

    def __init__(self, error: Exception, failures: int) -> None:
        self._error = error
        self._failures = failures
        self.calls = 0

    def __call__(self, compute: Callable[[], None]) -> Callable[[], None]:
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error
        return compute


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("no memory"), RuntimeError("not permitted when capturing")])
def test_a_bucket_that_cannot_be_captured_runs_all_the_same(
    error: Exception, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    decoder = random_decoder(tmp_path, QWEN)
    unable = Unable(error, 2)
    model = CapturedDecoder(decoder, TOKENIZER_TOKENS, unable)
    steps = [decoding((1, 40)), decoding((2, 40)), decoding((1, 9), (1, 60))]
    memory = cache_of(decoder, [])
    for _ in range(3):
        for works in steps:
            written = cache_of(decoder, works)
            memory.copy_(written)
            logits = begin_pass(model, works, memory).run()
            expected = decoder.forward(pack_batch(works, CPU), written)
            torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)
    assert unable.calls == 3
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert str(error) in warnings[0]


def test_the_outputs_of_all_buckets_are_one_memory(tmp_path: Path) -> None:
    decoder = random_decoder(tmp_path, QWEN)
    steps = CapturedDecoder(decoder, TOKENIZER_TOKENS, plain).steps_of(cache_of(decoder, []))
    assert steps.nbytes < 4 * MOST_ROWS * VOCABULARY + (32 << 10)


def test_another_memory_is_captured_anew_and_the_old_one_is_free(tmp_path: Path) -> None:
    decoder = random_decoder(tmp_path, QWEN)
    model = CapturedDecoder(decoder, TOKENIZER_TOKENS, lambda compute: (compute(), lambda: None)[1])
    works = decoding((2, 40))
    for _ in range(2):
        memory = cache_of(decoder, works)
        assert model.steps_of(memory) is model.steps_of(memory)
        expected = decoder.forward(pack_batch(works, CPU), memory.clone())
        torch.testing.assert_close(begin_pass(model, works, memory).run(), expected, rtol=1e-4, atol=1e-5)
        steps = model.steps_of(memory)
        del memory
        assert steps._memory() is None


def test_all_buckets_are_captured_at_load(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    decoder = random_decoder(tmp_path, LITE)
    captured = Unable(RuntimeError(), 0)
    model = CapturedDecoder(decoder, TOKENIZER_TOKENS, captured)
    memory = torch.full((3, 8, 16, decoder.config.page_width), torch.nan)
    capture_steps(model, memory)
    count = len(model.steps_of(memory).buckets)
    assert captured.calls == count >= 10
    assert f"{count} of {count} shapes of decode steps are captured" in caplog.text
    assert not [record for record in caplog.records if record.levelno == logging.WARNING]
    works = [Work([7], 20, [3, 5], 1)]
    begin_pass(model, works, memory).run()
    assert captured.calls == count


def test_a_graph_that_computes_something_else_is_not_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    decoder = random_decoder(tmp_path, QWEN)
    holder: list[CapturedDecoder] = []

    def wrong(compute: Callable[[], None]) -> Callable[[], None]:
        def replay() -> None:
            compute()
            assert holder[0]._steps is not None
            holder[0]._steps._outputs.logits[0] += 1

        return replay

    holder.append(CapturedDecoder(decoder, TOKENIZER_TOKENS, wrong))
    works = [Work([7], 20, [3, 5], 1)]
    memory = torch.zeros(3, 8, 16, decoder.config.page_width)
    capture_steps(holder[0], memory)
    expected = decoder.forward(pack_batch(works, CPU), memory)
    torch.testing.assert_close(begin_pass(holder[0], works, memory).run(), expected, rtol=1e-4, atol=1e-5)
    assert caplog.text.count("gives other logits") == 1
