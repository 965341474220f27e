"""A checkpoint that is quantized leaves memory again: what is mapped of its files counts as the process's."""

import re
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from inference.weights import quantize
from inference.weights.checkpoint import Checkpoint
from inference.weights.matrix import Matrix

ROWS, COLUMNS, MATRICES = 512, 1024, 40
MATRIX_BYTES = ROWS * COLUMNS * 2


def mapped_bytes(file: Path) -> int:
    """Return what is resident of the mappings of a file."""
    sections = re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text())
    resident = (re.search(r"^Rss:\s+(\d+) kB", section, re.MULTILINE) for section in sections if str(file) in section)
    return sum(int(found[1]) * 1024 for found in resident if found)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what is resident of a mapping")
def test_what_is_quantized_leaves_memory_though_the_model_keeps_the_norms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantize, "_MAPPED_BYTES", 4 * MATRIX_BYTES)
    generator = torch.Generator().manual_seed(1)
    weights = {
        f"layer.{n}.weight": torch.randn(ROWS, COLUMNS, generator=generator).to(torch.bfloat16) for n in range(MATRICES)
    }
    norms = {f"layer.{n}.norm": torch.full((COLUMNS,), n, dtype=torch.bfloat16) for n in range(MATRICES)}
    file = tmp_path / "model.safetensors"
    save_file(weights | norms, file)
    made: dict[str, Matrix] = {}
    with Checkpoint(tmp_path, torch.bfloat16, torch.device("cpu")) as checkpoint:
        source = quantize.QuantizingSource(checkpoint, "int8", made.__setitem__)
        resident, kept = [], []
        for name, norm in zip(weights, norms, strict=True):
            kept.append(source.load(norm, (COLUMNS,)))
            source.load_matrix(name, (ROWS, COLUMNS))
            resident.append(mapped_bytes(file))
    assert max(resident) >= MATRIX_BYTES  # else nothing is mapped, and the test says nothing
    assert max(resident) <= 6 * MATRIX_BYTES
    assert [float(norm[0]) for norm in kept] == [*range(MATRICES)]
    for name, weight in weights.items():
        assert torch.equal(made[name].tensors[0], quantize.quantize(weight, "int8").tensors[0])
