"""A file of pages on the disk: the pages, then their hashes and checksums, then a trailer with a checksum of these.

The trailer is written last, and then the file gets its name. So a kill leaves a file without a name, which nobody
reads; a file that was cut or changed afterwards has a wrong trailer, and a page with other bytes a wrong checksum.
"""

import errno
import os
import stat
import struct
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from xxhash import xxh3_64

from inference.cache.page_key import HASH_BYTES
from midspan import MidspanError

SUFFIX = ".pages"
PARTIAL = ".partial"
_MAGIC = b"MidPages"
_ENTRY = struct.Struct(f"<{HASH_BYTES}sQ")  # a page's hash and its checksum
_TRAILER = struct.Struct("<8sIIQ")  # the magic, the bytes of a page, the number of pages, the checksum of all entries
_MOST_PAGES = 1 << 20
_LACKS = errno.EMFILE, errno.ENFILE, errno.ENOMEM
_MOST_VIEWS = 1024  # that a call of the system may fill
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)  # Windows has no such flag


class PageFileError(MidspanError):
    """A file of pages is not whole, or not the user's alone."""


class CannotOpenNowError(MidspanError):
    """The system opens no file: this process, or all of them, have too many open. The file itself may be right."""


class PagePlace(NamedTuple):
    """The place of a page on the disk, and the checksum of its bytes. There are hundreds, so they are made cheaply."""

    file: Path
    number: int  # within the file, from 0
    checksum: int


def checksum_of(parts: Iterable[bytes | memoryview]) -> int:
    """Return the checksum of bytes that stand in these parts, one behind the other."""
    checksum = xxh3_64()
    for part in parts:
        checksum.update(part)
    return checksum.intdigest()


def read_places(path: Path, page_bytes: int) -> dict[bytes, PagePlace]:
    """Return the places of a file's pages by their hashes. Raises as `open_own` does, and OSError."""
    with open_own(path) as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - _TRAILER.size))
        trailer = file.read()
        if len(trailer) < _TRAILER.size:
            raise PageFileError(f"{path} is cut")
        magic, found_page_bytes, count, checksum = _TRAILER.unpack(trailer)
        expected = count * (page_bytes + _ENTRY.size) + _TRAILER.size
        if magic != _MAGIC or found_page_bytes != page_bytes or count > _MOST_PAGES or size != expected:
            raise PageFileError(f"{path} is cut or changed")
        file.seek(count * page_bytes)
        entries = file.read(count * _ENTRY.size)
    if checksum_of([entries]) != checksum:
        raise PageFileError(f"{path} has changed")
    found = enumerate(_ENTRY.iter_unpack(entries))
    return {page_hash: PagePlace(path, number, page_sum) for number, (page_hash, page_sum) in found}


def open_own(path: Path) -> FileIO:
    """Open a file to read it. Raises PageFileError for a link, and for a file that is not the user's alone.

    Raises CannotOpenNowError where the system opens no file at all now, FileNotFoundError where it is gone.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_FOLLOW | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno in _LACKS:
            raise CannotOpenNowError(f"{path} cannot be read now ({error.strerror})") from error
        raise PageFileError(f"{path} cannot be read ({error.strerror})") from error
    file = FileIO(descriptor, "rb")
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or not is_own(found):
        file.close()
        raise PageFileError(f"{path} is not a file of yours alone")
    return file


def read_views(file: FileIO, start: int, views: Sequence[memoryview]) -> None:
    """Fill the views with the bytes of a file from `start` on. Raises PageFileError where the file ends before."""
    total = sum(map(len, views))
    if hasattr(os, "preadv") and os.preadv(file.fileno(), views[:_MOST_VIEWS], start) == total:
        return
    file.seek(start)  # after a short read, and on Windows
    for view in views:
        rest = view
        while rest:
            if not (count := file.readinto(rest)):
                raise PageFileError(f"{file.name} is cut")
            rest = rest[count:]


def is_own(found: os.stat_result) -> bool:
    """Return whether a file or a folder belongs to this user and nobody else may enter, read or write it."""
    return sys.platform == "win32" or (found.st_uid == os.getuid() and not found.st_mode & 0o077)


class NewPageFile:
    """A file of pages that is being written. It has its name after `finish`, and nothing of it is left after `drop`."""

    def __init__(self, path: Path, page_bytes: int) -> None:
        """Raises OSError."""
        self._path = path
        self._page_bytes = page_bytes
        self._entries: list[bytes] = []
        self._partial = path.with_name(f"{path.name}{PARTIAL}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | getattr(os, "O_BINARY", 0)
        self._file = FileIO(os.open(self._partial, flags, 0o600), "wb")

    def add(self, hashes: Sequence[bytes], data: bytearray) -> None:
        """Write pages that stand one behind the other in `data`. Raises OSError."""
        pages = memoryview(data)
        for number, page_hash in enumerate(hashes):
            page = pages[number * self._page_bytes :][: self._page_bytes]
            self._entries.append(_ENTRY.pack(page_hash, checksum_of([page])))
        self._write(pages)

    def finish(self) -> None:
        """Write the trailer and give the file its name. Raises OSError."""
        entries = b"".join(self._entries)
        trailer = _TRAILER.pack(_MAGIC, self._page_bytes, len(self._entries), checksum_of([entries]))
        self._write(memoryview(entries + trailer))
        self._file.close()
        os.rename(self._partial, self._path)

    def drop(self) -> None:
        """Remove what is written."""
        self._file.close()
        with suppress(OSError):
            self._partial.unlink()

    def _write(self, data: memoryview) -> None:
        while data:
            data = data[self._file.write(data) :]
