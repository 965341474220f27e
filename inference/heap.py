"""Asks the system about memory: freed memory goes back to it, and large pages back a cache."""

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from mmap import PAGESIZE

_M_ARENA_MAX = -8  # of glibc's malloc.h
_MADV_HUGEPAGE, _MADV_POPULATE_READ, _MADV_POPULATE_WRITE = 14, 22, 23  # of Linux' mman.h
_IMPORTED_OBJECTS = 20_000  # a pause that leaves more new ones has imported much


def use_one_arena() -> None:
    """Let all threads share one arena of malloc. Call this before the process has threads.

    glibc gives each thread an arena of its own, and what lies between two live blocks of such a one stays: of a large
    model's weights that was 40 MB and more.
    """
    _call_glibc("mallopt", _M_ARENA_MAX, 1)


@contextmanager
def paused_garbage_collection() -> Iterator[None]:
    """Let no thread of the process look for garbage meanwhile. Of two pauses that overlap, the first one ends both.

    What an import has made stays as long as the process, so garbage is not looked for among it later: that takes a
    tenth of a second, in which no thread runs.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if gc.get_count()[0] > _IMPORTED_OBJECTS:
            gc.freeze()
        if was_enabled:
            gc.enable()


def release_memory() -> None:
    """Collect all garbage and give freed memory back, where the C library can."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    trim_heap()


def trim_heap() -> None:
    """Give freed memory back, where the C library can: a prefill leaves 30 MB of it. This takes 1 ms."""
    _call_glibc("malloc_trim", 0)


def use_large_pages(address: int, size_bytes: int) -> None:
    """Let the system back memory by pages of 2 MB where it can: attention reads such a cache 1.2 times as fast.

    The whole small pages between `address` and its end are meant.
    """
    _advise(-(-address // PAGESIZE), (address + size_bytes) // PAGESIZE, _MADV_HUGEPAGE)


def commit_memory(address: int, size_bytes: int) -> None:
    """Let the system commit memory as a write to it would; what it holds stays. Older systems do nothing.

    The page in which it ends is left to what lies behind it.
    """
    _advise(address // PAGESIZE, (address + size_bytes) // PAGESIZE, _MADV_POPULATE_WRITE)


def enter_memory(address: int, size_bytes: int) -> None:
    """Let the system read mapped memory and enter it into the process's page table, as reads of all of it would."""
    _advise(address // PAGESIZE, -(-(address + size_bytes) // PAGESIZE), _MADV_POPULATE_READ)


def _advise(first_page: int, end_page: int, advice: int) -> None:
    if end_page > first_page:
        start, length = first_page * PAGESIZE, (end_page - first_page) * PAGESIZE
        _call_glibc("madvise", ctypes.c_void_p(start), ctypes.c_size_t(length), advice)


def _call_glibc(name: str, *arguments: object) -> None:
    """Call a function of glibc. Other C libraries lack it and do not need it."""
    function = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    if function is not None:
        function(*arguments)
