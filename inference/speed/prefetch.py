"""Work that makes the start of a model shorter: weights are brought into memory meanwhile. Imports no torch."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from inference.weights.large_pages import enter_pieces, read_file


def read_ahead(folder: Path) -> None:
    """Have the system read a folder's weights from the disk, on a thread of its own."""
    threading.Thread(target=_read_files, args=(folder,), name="read-ahead", daemon=True).start()


def _read_files(folder: Path) -> None:
    for path in sorted(folder.glob("*.safetensors")):
        # A file was removed, and the weights are then made again; or it is empty, and loading says so.
        with suppress(OSError, ValueError):
            read_file(path)


def touch(spans: Sequence[tuple[int, int]]) -> None:
    """Enter mapped memory into the process's page table, on a thread of its own: a first step would do it one by one.

    `spans` are addresses and bytes. The caller keeps the memory mapped until the process ends, or it is skipped.
    """
    threading.Thread(target=_populate, args=(spans,), name="touch", daemon=True).start()


def _populate(spans: Sequence[tuple[int, int]]) -> None:
    for address, size_bytes in spans:
        enter_pieces(address, size_bytes)
