"""The speed at which this machine's threads read memory: the bound of every decoded token. Imports no torch."""

import ctypes
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import numpy as np
import numpy.typing as npt
import psutil

# More than the last cache of most machines holds; a part for each thread.
_BUFFER_BYTES = 256 << 20
_LEAST_PASSES = 3
_LIBC = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)


def physical_cores() -> int:
    """Count the cores that this process may use; two hardware threads of one core share what reads and multiplies."""
    if sys.platform == "darwin":  # psutil knows no affinity there
        usable = psutil.cpu_count()
    else:
        usable = len(psutil.Process().cpu_affinity())
    return max(1, min(usable or 1, psutil.cpu_count(logical=False) or 1))


def measure_memory_bytes_per_s(threads: int, seconds: float) -> float:
    """Read a buffer with `threads` threads for about `seconds`, and return the speed of the fastest pass."""
    values = np.ones(_BUFFER_BYTES, dtype=np.uint8)  # written, or all its pages would be one page of zeros
    parts = np.array_split(values, threads)
    took_s: list[float] = []
    with ThreadPoolExecutor(threads) as pool:
        ends_s = perf_counter() + seconds
        while len(took_s) < _LEAST_PASSES or perf_counter() < ends_s:
            took_s.append(_pass_s(pool, parts))
    return _BUFFER_BYTES / min(took_s)


def _pass_s(pool: ThreadPoolExecutor, parts: Sequence[npt.NDArray[np.uint8]]) -> float:
    began_s = perf_counter()
    for _ in pool.map(_read, parts):
        pass
    return perf_counter() - began_s


def _read(part: npt.NDArray[np.uint8]) -> None:
    """Look for a byte that is not there, which reads faster than numpy's sum, and without the interpreter's lock."""
    _LIBC.memchr(ctypes.c_void_p(part.ctypes.data), 0, ctypes.c_size_t(part.nbytes))
