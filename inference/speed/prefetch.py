"""Work that makes the start of a model shorter: weights are brought into memory meanwhile. Imports no torch."""

import ctypes
import mmap
import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from inference.heap import enter_memory

_PIECE_BYTES = 8 << 20  # short, so that the thread ends soon after the process wants to


def read_ahead(folder: Path) -> None:
    """Have the system read a folder's weights from the disk, on a thread of its own."""
    threading.Thread(target=_read_files, args=(folder,), name="read-ahead", daemon=True).start()


def _read_files(folder: Path) -> None:
    for path in sorted(folder.glob("*.safetensors")):
        # A file was removed, and the weights are then made again; or it is empty, and loading says so.
        with suppress(OSError, ValueError):
            _read_file(path)


def _read_file(path: Path) -> None:
    """Read a file by mapping it, so that its pages in memory are of 2 MB, where the file system can.

    A step reads weights in pages of 4 KB, as readahead(2) makes them, 8% slower.
    """
    if sys.platform != "linux":  # the other systems have no such calls
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY) as mapping:
            mapping.madvise(mmap.MADV_HUGEPAGE)
            first_byte = ctypes.c_char.from_buffer(mapping)
            _populate([(ctypes.addressof(first_byte), len(mapping))])
            del first_byte  # or the mapping could not be closed
    finally:
        os.close(descriptor)


def touch(spans: Sequence[tuple[int, int]]) -> None:
    """Enter mapped memory into the process's page table, on a thread of its own: a first step would do it one by one.

    `spans` are addresses and bytes. The caller keeps the memory mapped until the process ends, or it is skipped.
    """
    threading.Thread(target=_populate, args=(spans,), name="touch", daemon=True).start()


def _populate(spans: Sequence[tuple[int, int]]) -> None:
    for address, size_bytes in spans:
        for done_bytes in range(0, size_bytes, _PIECE_BYTES):
            enter_memory(address + done_bytes, min(_PIECE_BYTES, size_bytes - done_bytes))
