"""The quantized copy on the disk: made once, made again when it is damaged, left out where nothing can be kept."""

import os
import resource
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Semaphore

import pytest
import torch

from inference.weights.quantized_copy import QuantizedCopy
from tests.inference.folders import QWEN, write_folder
from tests.inference.weights.quantized import find, logits_of


def test_a_copy_is_made_once_and_again_when_the_weights_change(tmp_path: Path, cache: Path) -> None:
    folder = write_folder(tmp_path / "m", QWEN)
    first, _, _ = find(folder, QWEN, "int8")
    made_ns = (first / "model.safetensors").stat().st_mtime_ns
    assert find(folder, QWEN, "int8")[0] == first
    assert (first / "model.safetensors").stat().st_mtime_ns == made_ns
    four, _, _ = find(folder, QWEN, "int4")
    write_folder(tmp_path / "m", QWEN, seed=1)
    second, _, _ = find(folder, QWEN, "int8")
    assert torch.equal(logits_of(second, QWEN), logits_of(folder, QWEN, "int8"))
    assert set(cache.iterdir()) == {second, four}, "the copy of what is no longer there is gone"


def test_engines_that_load_a_model_at_once_share_one_copy(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As chat and completion do with caches of different sizes, each of which has an engine."""
    folder, make, write = write_folder(tmp_path / "m", QWEN), QuantizedCopy.make, QuantizedCopy._write
    asked = Semaphore(0)

    def ask_and_make(copy: QuantizedCopy) -> bool:
        asked.release()
        return make(copy)

    def write_when_both_have_asked(copy: QuantizedCopy, path: Path) -> None:
        asked.acquire(timeout=60)
        asked.acquire(timeout=60)
        write(copy, path)

    monkeypatch.setattr(QuantizedCopy, "make", ask_and_make)
    monkeypatch.setattr(QuantizedCopy, "_write", write_when_both_have_asked)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: find(folder, QWEN, "int8"), range(2)))
    (kept,) = cache.iterdir()
    assert found == [(kept, "int8", False)] * 2
    assert "cannot be kept" not in caplog.text


def test_the_copy_of_another_process_that_was_faster_is_taken(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder, write = write_folder(tmp_path / "m", QWEN), QuantizedCopy._write

    def write_twice(copy: QuantizedCopy, path: Path) -> None:
        write(copy, path)
        shutil.copytree(path.parent, copy.folder)

    monkeypatch.setattr(QuantizedCopy, "_write", write_twice)
    kept, _, must_quantize = find(folder, QWEN, "int8")
    assert (list(cache.iterdir()), must_quantize) == ([kept], False)
    assert "cannot be kept" not in caplog.text


def test_a_copy_gets_its_name_once_the_disk_has_all_of_it(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut would leave a copy of the right size with zeros in it, which is used as it is from then on."""
    sync, synced = os.fsync, dict[int, int]()

    def sync_and_note(descriptor: int) -> None:
        sync(descriptor)
        assert all(folder.name.startswith(".partial") for folder in cache.iterdir())
        found = os.fstat(descriptor)
        synced[found.st_ino] = found.st_size

    monkeypatch.setattr(os, "fsync", sync_and_note)
    kept, _, _ = find(write_folder(tmp_path / "m", QWEN), QWEN, "int8")
    file = (kept / "model.safetensors").stat()
    assert synced == {file.st_ino: file.st_size}


def test_a_damaged_copy_is_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = write_folder(tmp_path / "m", QWEN)
    kept, _, _ = find(folder, QWEN, "int4")
    file = kept / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert find(folder, QWEN, "int4")[0] == kept
    assert file.read_bytes() == whole
    assert "made again" in caplog.text


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_where_nothing_can_be_kept_the_weights_are_quantized_in_memory(
    tmp_path: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_folder(tmp_path / "m", QWEN)
    with files_of_at_most(10_000):
        weights, quant, must_quantize = find(folder, QWEN, "int8")
    assert (weights, quant, must_quantize) == (folder, "int8", True)
    assert "cannot be kept" in caplog.text
    assert list(cache.iterdir()) == []


def test_without_a_folder_of_caches_the_weights_are_quantized_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))  # as one that is read-only, which root can write
    folder = write_folder(tmp_path / "m", QWEN)
    assert find(folder, QWEN, "int8") == (folder, "int8", True)


def test_what_a_killed_process_left_is_removed(tmp_path: Path, cache: Path) -> None:
    left = cache / ".partial-4194305-m"  # above the largest process id
    left.mkdir(parents=True)
    running = cache / ".partial-1-m"
    running.mkdir()
    find(write_folder(tmp_path / "m", QWEN), QWEN, "int8")
    assert not left.exists()
    assert running.exists()
