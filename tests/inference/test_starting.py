"""The weights of the last start are read from the disk and entered into memory before the first prompt needs them."""

import gc
import mmap
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inference import loader, local_engine
from inference.api import EngineSettings
from inference.heap import paused_garbage_collection
from inference.local_engine import LocalEngine
from inference.speed import prefetch
from kernels.cpu.library import native_library
from tests.inference.folders import QWEN, write_folder

needs_native = pytest.mark.skipif(native_library().functions is None, reason=native_library().absence)


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Start and end an engine with weights of int8, which have a copy."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = write_folder(tmp_path / "model", QWEN)

    def run() -> None:
        engine = LocalEngine(EngineSettings(model=folder, cache_bytes=8 << 20, quant="int8"))
        engine.ready.result(timeout=60)
        engine.close()

    return run


@needs_native
def test_a_start_reads_what_the_last_one_has_mapped(
    start: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    touched: list[int] = []
    monkeypatch.setattr(local_engine, "read_ahead", read.append)
    monkeypatch.setattr(loader, "touch", lambda spans: touched.append(sum(size for _, size in spans)))
    start()
    assert (read, touched) == ([], [])  # nothing is known of it, and its trial reads all of it
    start()
    (copy,) = (tmp_path / "cache" / "midspan" / "quantized").iterdir()
    assert read == [copy]
    (weights,) = copy.glob("*.safetensors")
    assert touched[0] > weights.stat().st_size / 2


def test_a_folder_is_read_from_its_first_byte_to_its_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda _file, start, size, _advice: asked.append((start, size)))
    size = 3 * prefetch._PIECE_BYTES + 5
    (tmp_path / "model.safetensors").write_bytes(bytes(size))
    (tmp_path / "config.json").write_text("{}")
    prefetch._read_files(tmp_path)
    assert [start for start, _ in asked] == [0, *(number * prefetch._PIECE_BYTES for number in (1, 2, 3))]
    assert asked[-1][0] + asked[-1][1] >= size


def test_a_folder_that_is_gone_is_no_error(tmp_path: Path) -> None:
    prefetch._read_files(tmp_path / "nowhere")


@pytest.mark.skipif(not hasattr(mmap, "MAP_PRIVATE"), reason="needs a mapped file")
def test_touched_memory_keeps_its_content(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(bytes(range(256)) * 64)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        values = np.frombuffer(mapped, dtype=np.uint8)
        prefetch._touch([(values.ctypes.data + 100, 5000), (values.ctypes.data, 1)])
        assert bytes(values) == path.read_bytes()
        del values


def test_garbage_is_collected_again_after_a_pause_also_of_one_that_fails() -> None:
    def fail() -> None:
        with paused_garbage_collection():
            seen.append(gc.isenabled())
            raise ValueError("an import failed")

    seen: list[bool] = []
    with pytest.raises(ValueError, match="an import failed"):
        fail()
    assert [*seen, gc.isenabled()] == [False, True]
