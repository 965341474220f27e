"""Locks of files. The system releases a lock when its process ends in any way."""

import os
import sys
import time
from pathlib import Path

from midspan.file_flags import OWN_FILE

_PAUSE_S = 0.02


def open_lock_file(path: Path) -> int:
    """Return a descriptor of the file, which is made for this user alone if it is missing. Raises OSError."""
    return os.open(path, os.O_RDWR | os.O_CREAT | OWN_FILE, 0o600)


if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30  # a locked byte cannot be read there, so none of the content is locked

    def try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def try_lock(descriptor: int) -> bool:
        """Lock the open file; return False when another process has locked it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def wait_for_lock(descriptor: int, most_s: float) -> None:
    """Lock the open file as soon as no other process has locked it. Return without the lock after `most_s` seconds."""
    end = time.monotonic() + most_s
    while not try_lock(descriptor) and time.monotonic() < end:
        time.sleep(_PAUSE_S)
