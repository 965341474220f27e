"""What a process has freed goes back to the system only when it is asked to."""

import ctypes
import gc
import sys


def release_memory() -> None:
    """Collects what is unreachable and gives freed memory back, where the C library can."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl needs it not
        if trim is not None:
            trim(0)
