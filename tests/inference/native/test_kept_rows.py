"""The last layer computes only the rows that logits are made of, and all rows have written their pages before."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from inference.models.batch import Batch, Work, pack_batch
from inference.models.forward_pass import ALL_SUBLAYERS, StopFlag
from inference.native.model import NativeModel
from kernels.cpu.library import native_library
from tests.inference.folders import CODER_V1, LITE, QWEN, write_folder
from tests.inference.native.test_native_model import CPU, load_native, new_memory, random_tokens

pytestmark = pytest.mark.skipif(native_library().functions is None, reason="the native library is not built")

CONFIGS = {"lite": LITE, "coder_v1": CODER_V1, "qwen": QWEN}
MEMORY_TOKENS = 700


@pytest.fixture(params=CONFIGS)
def config(request: pytest.FixtureRequest) -> dict[str, Any]:
    return CONFIGS[request.param]


@pytest.fixture
def model(config: dict[str, Any], tmp_path: Path) -> NativeModel:
    write_folder(tmp_path, config, seed=3)
    return load_native(tmp_path, config, torch.float32, "wide")


def three_sequences() -> Batch:
    """A long prefill (of latents, one that is expanded), one of a few tokens, and a single token."""
    lengths, pages = [400, 20, 1], [list(range(25)), list(range(30, 32)), [40]]
    return pack_batch(
        [Work(random_tokens(length, length), 0, own, 1) for length, own in zip(lengths, pages, strict=True)], CPU
    )


def run(model: NativeModel, batch: Batch, memory: Tensor, most_sublayers: int = ALL_SUBLAYERS) -> Tensor:
    with torch.inference_mode():
        forward_pass = model.begin(batch, memory)
        while (logits := forward_pass.run(StopFlag(), most_sublayers)) is None:
            pass
        assert forward_pass.sublayers_done == forward_pass.sublayers
    return logits


@pytest.mark.parametrize("most_sublayers", [1, ALL_SUBLAYERS])
@pytest.mark.parametrize("rows", [[399], [399, 419], [419, 420], [390, 395, 420], [420, 401, 399], []])
def test_logits_of_some_rows_are_those_among_all(
    model: NativeModel, config: dict[str, Any], rows: list[int], most_sublayers: int
) -> None:
    batch = three_sequences()
    memory, whole_memory = (new_memory(config, MEMORY_TOKENS, torch.float32) for _ in range(2))
    whole = run(model, replace(batch, logit_rows=torch.arange(421)), whole_memory)
    some = run(model, replace(batch, logit_rows=torch.tensor(rows, dtype=torch.int64)), memory, most_sublayers)
    torch.testing.assert_close(some, whole[rows], atol=1e-4, rtol=0)
    assert torch.equal(memory.isnan(), whole_memory.isnan())
    assert torch.equal(memory.nan_to_num(), whole_memory.nan_to_num())
