"""Mapped weights come to lie in large pages of the process's own, where they were mapped."""

import sys
import time
from pathlib import Path

import numpy as np
import pytest

from inference.api import EngineSettings
from inference.local_engine import LocalEngine
from inference.weights import own_pages
from inference.weights.own_pages import OwnPages
from kernels.cpu.library import native_library
from midspan.memory import Memory
from tests.inference.folders import QWEN, write_folder
from tests.inference.generate import generate

LARGE_PAGE_BYTES = 2 << 20
FILE_BYTES = 11 * LARGE_PAGE_BYTES + 5000
SKIPPED_BYTES = 100_000  # of the file, before the first span

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not own_pages._has_large_pages(), reason="the system has no large pages"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "weights"
    path.write_bytes(np.random.default_rng(5).bytes(FILE_BYTES))
    return path


@pytest.fixture
def mapped(path: Path) -> np.ndarray:
    return np.memmap(path, dtype=np.uint8, mode="r")


def spans_of(values: np.ndarray) -> list[tuple[int, int]]:
    """Two matrices, with something small between them."""
    start, half = values.ctypes.data, FILE_BYTES // 2
    return [(start + SKIPPED_BYTES, half - SKIPPED_BYTES - 64), (start + half, FILE_BYTES - half)]


def test_what_is_moved_keeps_its_content_and_does_not_lie_in_the_file_any_more(path: Path, mapped: np.ndarray) -> None:
    content, own = path.read_bytes(), OwnPages(spans_of(mapped))
    pieces = 0
    while own.go_on():
        pieces += 1
        assert mapped.tobytes() == content
    assert pieces > 1
    assert mapped.tobytes() == content
    with path.open("r+b") as file:  # shows through where the file is mapped still
        file.write(bytes(FILE_BYTES))
    still_mapped = int((mapped == 0).sum() - content.count(0))
    assert still_mapped < 2 * LARGE_PAGE_BYTES  # at both ends
    assert large_pages_at(mapped) >= FILE_BYTES // LARGE_PAGE_BYTES - 2


def large_pages_at(values: np.ndarray) -> int:
    """Count the large pages in which an array lies."""
    first, end = values.ctypes.data, values.ctypes.data + values.nbytes
    count, inside = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        name, *rest = line.split()
        if not name.endswith(":"):
            start = int(name.split("-")[0], 16)
            inside = first <= start < end
        elif inside and name == "AnonHugePages:":
            count += int(rest[0]) * 1024 // LARGE_PAGE_BYTES
    return count


def test_other_memory_stays_where_it_is(mapped: np.ndarray) -> None:
    """Memory of no file, and a span that holds no whole large page."""
    values = np.ones(3 * LARGE_PAGE_BYTES, dtype=np.uint8)
    small = np.memmap(__file__, dtype=np.uint8, mode="r")
    assert not OwnPages([(values.ctypes.data, values.nbytes), (small.ctypes.data, small.nbytes)]).go_on()
    assert not OwnPages([]).go_on()


def test_where_the_system_does_not_say_what_is_mapped_nothing_is_moved(
    mapped: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path, **_options: object) -> str:
        raise PermissionError(13, "hidden")

    monkeypatch.setattr(Path, "read_text", refuse)
    assert not OwnPages(spans_of(mapped)).go_on()


@pytest.mark.parametrize(("available_bytes", "moves"), [(2 * FILE_BYTES, True), (2 * FILE_BYTES - (4 << 20), False)])
def test_weights_are_moved_where_they_take_half_of_the_free_memory_at_most(
    mapped: np.ndarray, monkeypatch: pytest.MonkeyPatch, available_bytes: int, moves: bool
) -> None:
    monkeypatch.setattr(own_pages, "usable_memory", lambda: Memory(1 << 60, available_bytes))
    assert OwnPages(spans_of(mapped)).go_on() == moves


def test_two_engines_that_move_their_weights_at_once_leave_as_much_free_as_one(
    mapped: np.ndarray, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    available_bytes, move, moved = 5 * FILE_BYTES // 2, own_pages._move, list[int]()

    def move_and_count(address: int, size_bytes: int) -> bool:
        moved.append(size_bytes)
        return move(address, size_bytes)

    monkeypatch.setattr(own_pages, "_move", move_and_count)
    monkeypatch.setattr(own_pages, "usable_memory", lambda: Memory(1 << 60, available_bytes - sum(moved)))
    other = np.memmap(path, dtype=np.uint8, mode="r")
    engines = [OwnPages(spans_of(values)) for values in (mapped, other)]
    while sum(engine.go_on() for engine in engines):  # in turn
        pass
    assert sum(moved) > 0
    assert available_bytes - sum(moved) >= FILE_BYTES - 2 * LARGE_PAGE_BYTES
    assert mapped.tobytes() == other.tobytes() == path.read_bytes()


def test_what_the_system_has_no_memory_for_stays_in_the_file(
    mapped: np.ndarray, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_pages, "_PIECE_BYTES", 1 << 60)
    monkeypatch.setattr(own_pages, "_mapped_parts", lambda spans: [(spans[0][0], spans[0][0] + (1 << 55))])
    monkeypatch.setattr(own_pages, "usable_memory", lambda: Memory(1 << 60, 1 << 60))
    assert not OwnPages(spans_of(mapped)).go_on()
    assert mapped.tobytes() == path.read_bytes()


@pytest.mark.skipif(native_library().functions is None, reason=native_library().absence)
def test_an_engine_that_rests_moves_its_weights_and_writes_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = write_folder(tmp_path / "model", QWEN | {"intermediate_size": 32768})
    engine = LocalEngine(EngineSettings(model=folder, cache_bytes=8 << 20, quant="int8"))
    try:
        prompt = [*range(10, 90)]
        first = generate(engine, prompt).text
        (weights,) = (tmp_path / "cache").rglob("*.safetensors")
        whole_bytes, ends_s = weights.stat().st_size, time.monotonic() + 30
        while mapped_bytes(weights) > whole_bytes / 2 and time.monotonic() < ends_s:
            time.sleep(0.01)
        assert mapped_bytes(weights) < whole_bytes / 2
        assert generate(engine, [*prompt[:-1], 7, 8]).text
        assert generate(engine, prompt).text == first
    finally:
        engine.close()
    assert mapped_bytes(weights) == 0


def mapped_bytes(path: Path) -> int:
    """Count the bytes of a file that are mapped."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    ranges = [line.split()[0].split("-") for line in lines if str(path) in line]
    return sum(int(end, 16) - int(start, 16) for start, end in ranges)
