"""A folder is loaded whole or refused by name: nothing is half-loaded, nothing but safetensors is read."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from inference.cache.allocate_memory import allocate_memory
from inference.loader import load_model
from inference.models.batch import Work, pack_batch
from inference.models.decoder import Decoder
from midspan import ModelError
from tests.inference.folders import LITE, config_of, write_folder

Weights = dict[str, torch.Tensor]
CPU = torch.device("cpu")
NORM = "model.norm.weight"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "model")


def load(folder: Path) -> Decoder:
    return load_model(folder, config_of(LITE), torch.float32, CPU)


def logits_of(model: Decoder) -> torch.Tensor:
    memory = allocate_memory(len(model.layers), 1, model.config.page_width, torch.float32, CPU)
    with torch.inference_mode():
        return model.forward(pack_batch([Work([1, 2, 3], 0, [0], 1)], CPU), memory)


def rewrite(folder: Path, change: Callable[[Weights], object]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors")


def shard(folder: Path) -> dict[str, str]:
    """Split the weights into two files with an index; returns the weight map."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    weight_map = {name: f"part-{i % 2}.safetensors" for i, name in enumerate(sorted(weights))}
    for part in ("part-0.safetensors", "part-1.safetensors"):
        save_file({n: t for n, t in weights.items() if weight_map[n] == part}, folder / part)
    write_index(folder, weight_map)
    return weight_map


def write_index(folder: Path, weight_map: dict[str, str]) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def test_sharded_and_single_weights_load_the_same(folder: Path) -> None:
    single = logits_of(load(folder))
    shard(folder)
    assert torch.equal(single, logits_of(load(folder)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop(NORM), f"missing {NORM}"),
        (lambda w: w.update({"model.layers.9.x": torch.ones(1)}), "not part of this architecture model.layers.9.x"),
        (lambda w: w.update({NORM: torch.ones(63)}), rf"{NORM} is \[63\] instead of \[64\]"),
        (lambda w: w.update({NORM: torch.ones(64, dtype=torch.int8)}), f"{NORM} is torch.int8, not floating point"),
        (lambda w: [w.pop(n) for n in list(w) if "experts" in n], r"missing .* and \d+ more"),
    ],
)
def test_weights_that_do_not_fit_are_named(folder: Path, change: Callable[[Weights], object], message: str) -> None:
    rewrite(folder, change)
    with pytest.raises(ModelError, match=message):
        load(folder)


@pytest.mark.parametrize("keep", [0, 4, 300, -1])
def test_a_truncated_file_is_refused_by_name(folder: Path, keep: int) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"model\.safetensors: corrupt or truncated"):
        load(folder)


def test_a_corrupt_header_is_refused_by_name(folder: Path) -> None:
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[8:40] = b"\xff" * 32
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"model\.safetensors: corrupt or truncated"):
        load(folder)


def test_a_pickle_is_never_opened(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"pickle \(pytorch_model\.bin\).*safetensors only"):
        load(folder)


def test_a_folder_without_weights_says_so(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="fetch the weights"):
        load(folder)


def test_a_missing_shard_is_named(folder: Path) -> None:
    shard(folder)
    (folder / "part-1.safetensors").unlink()
    with pytest.raises(ModelError, match=r"part-1\.safetensors: missing"):
        load(folder)


def test_a_shard_that_disagrees_with_the_index_is_named(folder: Path) -> None:
    weight_map = shard(folder)
    first = next(iter(weight_map))
    weight_map[first] = "part-1.safetensors"
    write_index(folder, weight_map)
    with pytest.raises(ModelError, match=r"part-0\.safetensors: does not hold what .* says"):
        load(folder)


@pytest.mark.parametrize("target", ["../other.safetensors", "/etc/passwd", "weights.bin"])
def test_an_index_cannot_name_a_file_elsewhere(folder: Path, target: str) -> None:
    weight_map = shard(folder)
    weight_map[next(iter(weight_map))] = target
    write_index(folder, weight_map)
    with pytest.raises(ModelError, match="no safetensors file beside it"):
        load(folder)


def test_a_broken_index_is_named(folder: Path) -> None:
    shard(folder)
    (folder / "model.safetensors.index.json").write_text('{"weight_map": ')
    with pytest.raises(ModelError, match=r"index\.json: cannot be read"):
        load(folder)
