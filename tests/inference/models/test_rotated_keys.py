"""The rows that a model has written for tokens, moved, are those that it writes for them at other positions.

In the first layer, whose inputs do not depend on what stands before: deeper ones have seen it.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

from inference.cache.allocate_memory import allocate_memory
from inference.cache.page_pool import PAGE_TOKENS
from inference.cache.page_row import PageRow, int8_row
from inference.loader import wanted_tensors
from inference.models.batch import Work, pack_batch
from inference.models.load import load_decoder
from inference.models.rotated_keys import rotated_keys
from inference.native.model import NativeModel
from inference.scheduler import Model
from inference.weights.checkpoint import Checkpoint
from inference.weights.quantize import quantize_in_memory
from kernels.cpu.library import native_library
from kernels.int8_rows import decode, scales_of
from kernels.move_rows import move_rows
from tests.inference.folders import CODER_V1, LARGE, LITE, MSCALE_ONE, QWEN, config_of, write_folder

CPU = torch.device("cpu")
CONFIGS = {"lite": LITE, "large": LARGE, "mscale_one": MSCALE_ONE, "coder_v1": CODER_V1, "qwen": QWEN}
TOKENS = list(range(20, 60))
FROM, BY = 90, 23
SLOTS = 256

needs_library = pytest.mark.skipif(native_library().functions is None, reason="the native library is not built")
WAYS = [
    pytest.param("torch", id="torch"),
    pytest.param("native", id="native", marks=needs_library),
    pytest.param("native, int8 pages", id="int8 pages", marks=needs_library),
]


def load(folder: Path, raw_config: dict[str, Any], way: str, dtype: torch.dtype) -> Model:
    config = config_of(raw_config)
    with Checkpoint(folder, dtype, CPU) as checkpoint:
        if way == "torch":
            return load_decoder(config, checkpoint, CPU)
        source = quantize_in_memory(checkpoint, wanted_tensors(config), "wide", run=lambda source: None)
        library = native_library().functions
        assert library is not None
        return NativeModel(config, source, library, 2, has_int8_pages="int8" in way)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("raw_config", CONFIGS.values(), ids=CONFIGS)
def test_moved_rows_of_the_first_layer_are_the_rows_of_the_other_position(
    raw_config: dict[str, Any], way: str, dtype: torch.dtype, tmp_path: Path
) -> None:
    config = config_of(raw_config)
    model = load(write_folder(tmp_path / "model", raw_config), raw_config, way, dtype)
    row = int8_row(config.page_width) if "int8" in way else PageRow(config.page_width, dtype)

    def rows_at(start: int) -> torch.Tensor:
        """Return memory [layers, pages, PAGE_TOKENS, W] with the tokens at their positions, and zeros elsewhere."""
        memory = allocate_memory(config.num_hidden_layers, SLOTS // PAGE_TOKENS, row.width, row.dtype, CPU).zero_()
        with torch.inference_mode():
            model.forward(pack_batch([Work(TOKENS, start, range(SLOTS // PAGE_TOKENS), 1)], CPU), memory)
        return memory

    memory, expected = (rows_at(start)[0].flatten(0, 1) for start in (FROM, FROM + BY))
    moved = torch.zeros(1, 2, SLOTS, row.width, dtype=row.dtype)
    moved[0, 0] = memory
    sources = torch.arange(FROM, FROM + len(TOKENS))
    keys = rotated_keys(config, CPU, is_native=way != "torch")
    move_rows(moved, sources, sources + SLOTS + BY, BY, keys)
    got, wanted = moved[0, 1, FROM + BY :][: len(TOKENS)], expected[FROM + BY :][: len(TOKENS)]
    if row.dtype == torch.int8:
        steps = scales_of(wanted, config.page_width)
        error = (decode(got, config.page_width) - decode(wanted, config.page_width)).abs()
        assert (error <= 2.1 * steps).all()
        assert (error <= 0.1 * steps).float().mean() > 0.4, "what is no key is the same"
        return
    largest = float(wanted.float().abs().max())
    torch.testing.assert_close(got, wanted, rtol=0, atol=largest * (2e-5 if dtype == torch.float32 else 2**-7))
