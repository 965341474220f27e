"""Reads files of weights so that their pages in memory are of 2 MB, where the file system can. Imports no torch."""

import ctypes
import mmap
import os
import sys
from pathlib import Path

from inference.heap import enter_memory

_PIECE_BYTES = 8 << 20  # short, so that a thread that does this ends soon after the process wants to


def read_file(path: Path) -> None:
    """Read a file by mapping it. A step reads weights in pages of 4 KB, as readahead(2) makes them, 8% slower.

    Raises OSError for a file that is gone, and ValueError for an empty one.
    """
    if sys.platform != "linux":  # the other systems have no such calls
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY) as mapping:
            mapping.madvise(mmap.MADV_HUGEPAGE)
            first_byte = ctypes.c_char.from_buffer(mapping)
            enter_pieces(ctypes.addressof(first_byte), len(mapping))
            del first_byte  # or the mapping could not be closed
    finally:
        os.close(descriptor)


def enter_pieces(address: int, size_bytes: int) -> None:
    """Enter mapped memory into the process's page table, piece by piece."""
    for done_bytes in range(0, size_bytes, _PIECE_BYTES):
        enter_memory(address + done_bytes, min(_PIECE_BYTES, size_bytes - done_bytes))
