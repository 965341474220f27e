"""Pages of int8: the native step writes and reads codes, and the engine has them where the step is."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import Tensor

import inference.loader
from inference.api import EngineSettings
from inference.cache.allocate_memory import allocate_memory
from inference.cache.page_pool import PAGE_TOKENS
from inference.cache.page_row import PageRow, int8_row
from inference.loader import wanted_tensors
from inference.local_engine import LocalEngine
from inference.models.batch import Work, pack_batch
from inference.native.model import NativeModel
from inference.weights.checkpoint import Checkpoint
from inference.weights.matrix import Quant
from inference.weights.quantize import quantize_in_memory
from kernels.cpu.library import NativeLibrary, native_library
from kernels.int8_rows import SCALED_VALUES, decode, scales_of
from tests.inference.folders import LARGE, LITE, QWEN, config_of, write_folder
from tests.inference.generate import generate

CPU = torch.device("cpu")
CONFIGS = {"lite": LITE, "large": LARGE, "qwen": QWEN}
LENGTHS = [1, 5, 60, 700]

needs_library = pytest.mark.skipif(native_library().functions is None, reason="the native library is not built")


class Runner:
    """A model with pages for one sequence, which are poisoned until they are written."""

    def __init__(
        self, folder: Path, config: dict[str, Any], tokens: int, has_int8_pages: bool,
        dtype: torch.dtype = torch.float32, quant: Quant = "wide",
    ) -> None:  # fmt: skip
        c, library = config_of(config), native_library().functions
        assert library is not None
        row = int8_row(c.page_width) if has_int8_pages else PageRow(c.page_width, dtype)
        self.memory = allocate_memory(c.num_hidden_layers, tokens // PAGE_TOKENS + 2, row.width, row.dtype, CPU)
        self.memory.fill_(-1 if has_int8_pages else float("nan"))  # two bytes of -1 are a scale that is NaN
        with Checkpoint(folder, dtype, CPU) as checkpoint:
            source = quantize_in_memory(checkpoint, wanted_tensors(c), quant, run=lambda source: None)
        self._model = NativeModel(c, source, library, 2, has_int8_pages)

    @property
    def pages(self) -> list[int]:
        return list(reversed(range(self.memory.shape[1])))

    def logits(self, tokens: list[int], start: int = 0) -> Tensor:
        """Return the logits of every token from `start`."""
        batch = pack_batch([Work(tokens[start:], start, self.pages, 1)], CPU)
        with torch.inference_mode():
            return self._model.forward(replace(batch, logit_rows=torch.arange(len(batch.tokens))), self.memory)

    def rows(self, layer: int, tokens: int) -> Tensor:
        """Return the rows of a layer's tokens."""
        return self.memory[layer, self.pages].flatten(0, 1)[:tokens]


def random_tokens(count: int) -> list[int]:
    return torch.randint(0, 256, (count,), generator=torch.Generator().manual_seed(1)).tolist()


def distance(got: Tensor, expected: Tensor) -> float:
    """Return the relative error of the median row: a row whose experts are nearly tied may take another one."""
    return float(((got - expected).norm(dim=-1) / expected.norm(dim=-1)).median())


@pytest.fixture(params=CONFIGS)
def config(request: pytest.FixtureRequest) -> dict[str, Any]:
    return CONFIGS[request.param]


@pytest.fixture
def folder(config: dict[str, Any], tmp_path: Path) -> Path:
    return write_folder(tmp_path / "model", config, seed=3)


@needs_library
def test_the_step_writes_the_codes_of_its_own_rows(folder: Path, config: dict[str, Any]) -> None:
    """The rows of layer 0 do not depend on what the pages hold: those of int8 are those of fp32, rounded."""
    tokens, width = random_tokens(50), config_of(config).page_width
    wide, coded = (Runner(folder, config, 50, has_int8_pages) for has_int8_pages in (False, True))
    for runner in (wide, coded):
        runner.logits(tokens)
    codes = coded.rows(0, 50)
    assert ((decode(codes, width) - wide.rows(0, 50)).abs() <= 0.501 * scales_of(codes, width)).all()
    assert (
        codes[:, :width].int().abs().split(SCALED_VALUES, dim=-1)[0].amax(-1) == 127
    ).all()  # the largest of each 16


@needs_library
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("length", LENGTHS)
def test_logits_are_nearer_to_those_of_wide_pages_than_those_of_int8_weights(
    folder: Path, config: dict[str, Any], length: int, dtype: torch.dtype
) -> None:
    """Both are rounded to 8 bits. The last tokens read what the first wrote."""
    tokens = random_tokens(length + 3)

    def logits(has_int8_pages: bool, dtype: torch.dtype, quant: Quant = "wide") -> Tensor:
        runner = Runner(folder, config, length + 3, has_int8_pages, dtype, quant)
        return torch.cat([runner.logits(tokens[:length]), runner.logits(tokens, length)])

    expected = logits(False, torch.float32)
    error_of_weights = distance(logits(False, dtype, "int8"), expected)
    error_of_pages = distance(logits(True, dtype), expected)
    assert 0 < error_of_pages < error_of_weights


@needs_library
def test_a_prefill_in_chunks_is_a_prefill_at_once(folder: Path, config: dict[str, Any]) -> None:
    tokens = random_tokens(90)
    once, chunks = (Runner(folder, config, 90, True) for _ in range(2))
    expected = once.logits(tokens)
    got = torch.cat([chunks.logits(tokens[:end], start) for start, end in ((0, 40), (40, 41), (41, 90))])
    # A sum in another order may round a value to the next code.
    assert distance(got, expected) < 2e-3


@pytest.fixture(params=["auto", "int8"])
def engine(folder: Path, request: pytest.FixtureRequest) -> Iterator[LocalEngine]:
    engine = LocalEngine(EngineSettings(model=folder, cache_bytes=1 << 20, cache_dtype=request.param))
    engine.ready.result(timeout=60)
    yield engine
    engine.close()


@needs_library
def test_int8_pages_hold_more_tokens_in_the_same_memory(engine: LocalEngine, config: dict[str, Any]) -> None:
    c, stats = config_of(config), engine.stats()
    assert engine._scheduler is not None
    row, kept = PageRow(c.page_width, torch.float32), "float32"
    if engine._settings.cache_dtype == "int8":
        row, kept = int8_row(c.page_width), "int8"
    assert stats.cache_dtype == kept
    assert stats.pages_total == (1 << 20) // (c.num_hidden_layers * PAGE_TOKENS * row.bytes)
    assert stats.cache_bytes <= 1 << 20
    assert stats.dtype == "float32"


@needs_library
def test_a_cached_prefix_gives_the_text_of_the_first_time(engine: LocalEngine) -> None:
    tokens = [256, *random_tokens(70)]
    first, again = generate(engine, tokens), generate(engine, tokens)
    assert again.trace.cached_tokens >= 64
    assert again.text == first.text


@pytest.mark.parametrize("cache_dtype", ["auto", "int8"])
def test_without_the_native_step_the_cache_is_wide_and_the_log_says_so(
    tmp_path: Path,
    cache_dtype: Literal["auto", "int8"],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    absent = NativeLibrary(None, "it was not built, because there was no C++ compiler or it failed.", "Install g++")
    monkeypatch.setattr(inference.loader, "native_library", lambda: absent)
    with caplog.at_level(logging.WARNING):
        engine = LocalEngine(
            EngineSettings(model=write_folder(tmp_path / "m", QWEN), cache_bytes=1 << 20, cache_dtype=cache_dtype)
        )
        engine.ready.result(timeout=60)
    assert generate(engine, [256, *random_tokens(20)]).text
    c = config_of(QWEN)
    assert engine.stats().cache_dtype == "float32"
    assert engine.stats().pages_total == (1 << 20) // (c.num_hidden_layers * PAGE_TOKENS * c.page_width * 4)
    engine.close()
    said = [record.getMessage() for record in caplog.records if "int8" in record.getMessage()]
    assert len(said) == (cache_dtype == "int8")
    assert all("needs the native step" in line and "Install g++." in line for line in said)
