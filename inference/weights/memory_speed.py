"""The speed at which this machine's threads read memory: the bound of every decoded token. Imports no torch."""

import ctypes
import sys
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Self

import numpy as np
import numpy.typing as npt
import psutil

from midspan.cores import quota_cores

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
    cores = max(1, min(usable or 1, psutil.cpu_count(logical=False) or 1))
    return min(cores, quota_cores() or cores)


class ReadingLoop:
    """A plain loop of threads that read a buffer of their own, and nothing else. Close it to free the buffer."""

    def __init__(self, threads: int) -> None:
        values = np.ones(_BUFFER_BYTES, dtype=np.uint8)  # written, or all its pages would be one page of zeros
        self._parts = np.array_split(values, threads)
        self._pool = ThreadPoolExecutor(threads)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._pool.shutdown()

    def bytes_per_s(self, seconds: float) -> list[float]:
        """Read the buffer for about `seconds`, and return the speed of each pass."""
        speeds: list[float] = []
        ends_s = perf_counter() + seconds
        while len(speeds) < _LEAST_PASSES or perf_counter() < ends_s:
            began_s = perf_counter()
            for _ in self._pool.map(_read, self._parts):
                pass
            speeds.append(_BUFFER_BYTES / (perf_counter() - began_s))
        return speeds


def measure_memory_bytes_per_s(threads: int, seconds: float) -> float:
    """Read memory with `threads` threads for about `seconds`, and return the speed of the fastest pass."""
    with ReadingLoop(threads) as loop:
        return max(loop.bytes_per_s(seconds))


def _read(part: npt.NDArray[np.uint8]) -> None:
    """Look for a byte that is not there, which reads faster than numpy's sum, and without the interpreter's lock."""
    _LIBC.memchr(ctypes.c_void_p(part.ctypes.data), 0, ctypes.c_size_t(part.nbytes))
