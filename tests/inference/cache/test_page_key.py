"""The key of a model changes with all that its pages depend on."""

import os
import shutil
from pathlib import Path

import pytest

import inference.loader
from inference.cache import page_key
from inference.cache.page_key import model_key
from kernels.cpu.library import NativeLibrary
from tests.inference.folders import QWEN, write_folder
from tests.inference.small_scheduler import start


def test_every_part_of_a_model_changes_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, weights = write_folder(tmp_path / "model", QWEN), tmp_path / "quantized"
    shutil.copytree(folder, weights)
    keys = [model_key(folder, weights, ["int8", "avx512"])]
    assert model_key(folder, weights, ["int8", "avx512"]) == keys[0]
    keys.append(model_key(folder, weights, ["int8", "avx2"]))
    for file in (folder / "config.json", folder / "tokenizer.json"):
        file.write_bytes(file.read_bytes() + b" ")
        keys.append(model_key(folder, weights, ["int8", "avx512"]))
    for file in (*folder.glob("*.safetensors"), *weights.glob("*.safetensors")):
        found = file.stat()
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(data)
        os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns))  # only the content tells
        keys.append(model_key(folder, weights, ["int8", "avx512"]))
        os.utime(file, (1, 1))
        keys.append(model_key(folder, weights, ["int8", "avx512"]))
    monkeypatch.setattr(page_key, "LAYOUT_VERSION", 3)
    keys.append(model_key(folder, weights, ["int8", "avx512"]))
    monkeypatch.setattr(page_key, "__version__", "9.9")
    keys.append(model_key(folder, weights, ["int8", "avx512"]))
    assert len(set(keys)) == len(keys) == 10


def test_another_instruction_set_has_another_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each form computes the same within an error; a key of its own keeps a result the same from run to run."""
    monkeypatch.setattr(inference.loader, "native_library", lambda: NativeLibrary(None))
    keys = {start(tmp_path / "one", QWEN, "none").scheduler.disk.reader._index.key}
    monkeypatch.setattr(NativeLibrary, "isa", "another")
    keys.add(start(tmp_path / "one", QWEN, "none").scheduler.disk.reader._index.key)
    assert len(keys) == 2
