"""The thread that writes one file of pages, so that the engine's thread never waits for the disk."""

import os
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from queue import SimpleQueue

from inference.api import KeptPages
from inference.cache.page_file import NewPageFile, PageFileError
from inference.cache.page_folder import check_folders, make_room
from inference.cache.page_index import PageIndex

_NICE = 10
_MOST_WAITING = 2  # slices in memory that the disk has not taken

Slice = tuple[Sequence[bytes], bytearray]  # hashes, and the bytes of their pages


class PageWriter:
    """Begins a file when it is made, and ends with `finish`. The engine's thread calls."""

    def __init__(self, index: PageIndex, kept: KeptPages, page_bytes: int, expected_bytes: int) -> None:
        self.error: Exception | None = None  # after the thread has ended
        self._kept = kept
        self.file = index.new_file(kept, f"{time.time_ns():x}-{os.getpid()}")
        self._page_bytes = page_bytes
        self._expected_bytes = expected_bytes
        self._slices: SimpleQueue[Slice | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="midspan-page-writer", daemon=True)
        self._thread.start()

    @property
    def has_room(self) -> bool:
        """True when another slice may be put."""
        return self._slices.qsize() < _MOST_WAITING

    @property
    def has_ended(self) -> bool:
        """True when nothing more is written: the file has its name, or an error has ended the writing."""
        return not self._thread.is_alive()

    def put(self, hashes: Sequence[bytes], data: bytearray) -> None:
        """Have these pages written, which stand one behind the other in `data`."""
        self._slices.put((hashes, data))

    def finish(self) -> None:
        """Have the file finished after the slices that are put; return at once."""
        self._slices.put(None)

    def join(self) -> None:
        """Wait for the end of the writing."""
        self._thread.join()

    def _run(self) -> None:
        if sys.platform == "linux":  # where threads have priorities of their own
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        try:
            check_folders(self._kept)
            make_room(self._kept, self._expected_bytes)
            self._write(NewPageFile(self.file, self._page_bytes))
        except (OSError, PageFileError) as error:
            self.error = error

    def _write(self, file: NewPageFile) -> None:
        try:
            while (taken := self._slices.get()) is not None:
                file.add(*taken)
            file.finish()
        except BaseException:
            file.drop()
            raise
