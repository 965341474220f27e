"""What a process has freed goes back to the system only when it is asked to."""

import ctypes
import gc
import sys

_M_ARENA_MAX = -8  # of glibc's malloc.h


def use_one_arena() -> None:
    """To be called before there are threads, by a process that is to be able to give memory back.

    glibc gives each thread an arena of its own, and what lies between two live blocks of such a one stays: of a large
    model's weights that was 40 MB and more.
    """
    _call_glibc("mallopt", _M_ARENA_MAX, 1)


def release_memory() -> None:
    """Collects what is unreachable and gives freed memory back, where the C library can."""
    gc.collect()
    _call_glibc("malloc_trim", 0)


def _call_glibc(name: str, *arguments: int) -> None:
    """Does nothing with another C library, of which none needs it."""
    function = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    if function is not None:
        function(*arguments)
