"""The files of one index that are not read again until they change: one of them ended or froze the process before.

Two kinds of files stand beside the index. `….quarantine` is the list. `….working-PID` names the file that a process is
about to read; the process holds a lock on it, and the kernel lets go of the lock however the process ends. So whoever
finds such a file without its lock knows what the process was about when it died.
"""

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from context.rules.rules import FoundFile
from midspan.file_flags import OWN_FILE
from midspan.whole_file import write_whole

_log = logging.getLogger(__name__)

_LIST = ".quarantine"
_WORKING = ".working-"
_DIED = "Midspan's process ended while it read the file"
_MAX_LINE_BYTES = 8192  # of a path, which has at most 4096, in JSON


@dataclass(frozen=True)
class _Entry:
    mtime_ns: int
    size: int
    reason: str


class Quarantine:
    """The list of one index. For one thread at a time."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._list = database.with_suffix(_LIST)
        self._entries = _read_list(self._list)
        self._working: int | None = None  # the descriptor of this process's file

    def reason(self, file: FoundFile) -> str | None:
        """Return why the file is not read; None for one that may be, as it is not listed or has changed since."""
        entry = self._entries.get(file.path)
        if entry is None or (entry.mtime_ns, entry.size) != (file.mtime_ns, file.size):
            return None
        return f"{entry.reason}; it is read again when it changes, or after `midspan doctor --fix`"

    def add(self, file: FoundFile, reason: str) -> None:
        """List the file. `reason` completes a sentence about it."""
        _log.warning("%s is not indexed: %s.", file.path, reason)
        self._entries[file.path] = _Entry(file.mtime_ns, file.size, reason)
        self._write_list()

    def open(self) -> None:
        """Begin to note what is read, and list what processes that died were reading. Raises OSError."""
        if self._working is not None:
            return
        found = [
            file for file in map(_take_over, self._database.parent.glob(f"{self._database.stem}{_WORKING}*")) if file
        ]
        self._entries = _read_list(self._list)
        for file in found:
            self.add(file, _DIED)
        path = self._database.with_suffix(f"{_WORKING}{os.getpid()}")
        self._working = os.open(path, os.O_RDWR | os.O_CREAT | OWN_FILE, 0o600)
        _lock(self._working)

    def close(self) -> None:
        """Note that nothing is read any more."""
        if self._working is not None:
            self._database.with_suffix(f"{_WORKING}{os.getpid()}").unlink(missing_ok=True)
            os.close(self._working)
            self._working = None

    @contextmanager
    def working_on(self, file: FoundFile) -> Iterator[None]:
        """Note the file on the disk while it is read. An exception is no death: the note goes with it."""
        if self._working is None:
            yield
            return
        note = json.dumps([file.path, file.mtime_ns, file.size]).encode() + b"\n"
        if sys.platform == "win32":
            os.lseek(self._working, 0, os.SEEK_SET)
            os.write(self._working, note)
        else:
            os.pwrite(self._working, note, 0)
        try:
            yield
        finally:
            os.ftruncate(self._working, 0)

    def _write_list(self) -> None:
        entries = {path: [entry.mtime_ns, entry.size, entry.reason] for path, entry in self._entries.items()}
        write_whole(self._list, json.dumps(entries).encode())


def clear_quarantine(database: Path) -> int:
    """Forget the list of an index; return the number of files that were on it."""
    count = len(_read_list(database.with_suffix(_LIST)))
    database.with_suffix(_LIST).unlink(missing_ok=True)
    return count


def quarantined(database: Path) -> list[str]:
    """Return the paths on the list of an index."""
    return sorted(_read_list(database.with_suffix(_LIST)))


def _read_list(path: Path) -> dict[str, _Entry]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {file: _Entry(int(mtime_ns), int(size), str(why)) for file, (mtime_ns, size, why) in entries.items()}
    except (OSError, ValueError, TypeError, AttributeError):  # none yet, or a broken one: it is only a list
        return {}


def _lock(descriptor: int) -> bool:
    """Lock an open file; False when another open file has the lock, and on Windows, which leaves no file unlocked."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _take_over(path: Path) -> FoundFile | None:
    """Remove the note of a process that has died, and return the file in it. None while the process lives."""
    try:
        descriptor = os.open(path, os.O_RDWR | OWN_FILE)
    except OSError:
        return None
    try:
        if not _lock(descriptor):
            return None  # its process lives
        line = os.read(descriptor, _MAX_LINE_BYTES)
        path.unlink(missing_ok=True)
        name, mtime_ns, size = json.loads(line.partition(b"\n")[0])
        return FoundFile(str(name), int(mtime_ns), int(size))
    except (OSError, ValueError, TypeError):  # its process was not reading
        return None
    finally:
        os.close(descriptor)
