"""The return of freed memory to the system, which the C library does only when asked."""

import ctypes
import gc
import sys

_M_ARENA_MAX = -8  # of glibc's malloc.h


def use_one_arena() -> None:
    """Let all threads share one arena of malloc. Call this before the process has threads.

    glibc gives each thread an arena of its own, and what lies between two live blocks of such a one stays: of a large
    model's weights that was 40 MB and more.
    """
    _call_glibc("mallopt", _M_ARENA_MAX, 1)


def release_memory() -> None:
    """Collect garbage and give freed memory back, where the C library can."""
    gc.collect()
    trim_heap()


def trim_heap() -> None:
    """Give freed memory back, where the C library can: a prefill leaves 30 MB of it. This takes 1 ms."""
    _call_glibc("malloc_trim", 0)


def _call_glibc(name: str, *arguments: int) -> None:
    """Call a function of glibc. Other C libraries lack it and do not need it."""
    function = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    if function is not None:
        function(*arguments)
