"""The weights of the last start are read from the disk and entered into memory before the first prompt needs them."""

import ctypes
import gc
import json
import mmap
import os
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inference import loader, local_engine
from inference.api import EngineSettings, Sampling
from inference.heap import paused_garbage_collection, release_memory
from inference.local_engine import LocalEngine
from inference.speed import prefetch
from inference.weights import large_pages
from kernels.cpu.library import native_library
from tests.inference.folders import LITE, QWEN, write_folder
from tests.inference.generate import generate

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


def pages_in_memory(path: Path) -> list[bool]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as mapped:
        first_byte = ctypes.c_char.from_buffer(mapped)
        states = (ctypes.c_ubyte * -(-len(mapped) // mmap.PAGESIZE))()
        address, size = ctypes.c_void_p(ctypes.addressof(first_byte)), ctypes.c_size_t(len(mapped))
        assert ctypes.CDLL(None).mincore(address, size, states) == 0
        del first_byte
    return [bool(state & 1) for state in states]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reads ahead")
def test_a_folder_is_read_from_its_first_byte_to_its_last(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    with path.open("wb") as file:
        file.write(bytes(3 * large_pages._PIECE_BYTES + 5))
        file.flush()
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    (tmp_path / "empty.safetensors").write_bytes(b"")
    if all(pages_in_memory(path)):
        pytest.skip("the temporary folder is not on a disk")
    prefetch._read_files(tmp_path)
    assert all(pages_in_memory(path))


def test_a_folder_that_is_gone_is_no_error(tmp_path: Path) -> None:
    prefetch._read_files(tmp_path / "nowhere")


@pytest.mark.skipif(not hasattr(mmap, "MAP_PRIVATE"), reason="needs a mapped file")
def test_touched_memory_keeps_its_content(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(bytes(range(256)) * 64)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        values = np.frombuffer(mapped, dtype=np.uint8)
        prefetch._populate([(values.ctypes.data + 100, 5000), (values.ctypes.data, 1)])
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


class Node:
    """An object that can stand in a circle."""

    def __init__(self) -> None:
        self.others: list[Node] = [self]


def test_what_an_import_makes_is_left_alone_until_memory_is_given_back() -> None:
    before = gc.get_freeze_count()
    with paused_garbage_collection():
        kept = [Node() for _ in range(30_000)]
    assert gc.get_freeze_count() >= before + len(kept)
    gone = weakref.ref(kept[0])
    kept.clear()
    gc.collect()
    assert gone() is not None
    release_memory()
    assert gone() is None


# Greedy texts first, as after a start, and then what torch needs the rest of itself for.
_FIRST_SUGGESTIONS = """
import json, sys
from pathlib import Path
from inference.api import EngineSettings, Sampling
from inference.local_engine import LocalEngine
from inference.speed.last_start import LastStart, keep_last_start
from tests.inference.generate import generate

seen = []
for folder in map(Path, sys.argv[1:]):
    settings = EngineSettings(model=folder, cache_bytes=8 << 20)
    keep_last_start(folder, settings, LastStart("wide", str(folder), 1000.0))
    engine = LocalEngine(settings)
    seen.append([generate(engine, [7, 8, 9, 10], 8).text])
    left_out = {"torch._prims", "torch.export.exported_program", "torch.distributions.normal", "torch.optim.adam",
        "torch.ao.quantization", "torch.utils.data.dataloader", "torch.masked.maskedtensor"}
    is_left_out = not left_out & set(sys.modules)
    if folder == Path(sys.argv[-1]):
        seen[-1].append(generate(engine, [7, 8, 9, 10], 8, sampling=Sampling(0.8, seed=1)).text)
    engine.close()
import torch
parts = (torch._meta_registrations.meta_take, torch.export.export, torch.distributions.Normal, torch.optim.Adam,
    torch.quantization.QuantStub, torch.utils.data.DataLoader, torch.masked.mean, torch.nn.intrinsic.qat.ConvBn1d,
    torch.nn.quantized.Linear, torch.nn.qat.Linear, torch.nn.quantizable.LSTM, torch.profiler.profile)
print(json.dumps([seen, is_left_out, all(map(callable, parts))]))
"""


def test_a_first_suggestion_does_without_parts_of_torch_that_come_before_anything_is_sampled(tmp_path: Path) -> None:
    folders = [str(write_folder(tmp_path / name, config)) for name, config in (("lite", LITE), ("qwen", QWEN))]
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-c", _FIRST_SUGGESTIONS, *folders]
    asked = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert asked.returncode == 0, asked.stderr
    seen, is_left_out, is_there_when_asked_for = json.loads(asked.stdout)
    expected = []
    for folder in folders:
        engine = LocalEngine(EngineSettings(model=Path(folder), cache_bytes=8 << 20))
        expected.append([generate(engine, [7, 8, 9, 10], 8).text])
        if folder == folders[-1]:
            expected[-1].append(generate(engine, [7, 8, 9, 10], 8, sampling=Sampling(0.8, seed=1)).text)
        engine.close()
    assert seen == expected
    assert is_left_out
    assert is_there_when_asked_for
