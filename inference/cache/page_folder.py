"""The folder of the user's cache that keeps pages: it is the user's alone, and bounded in bytes.

Below it lie a folder for each workspace, a folder in that for what may be kept of it now, and the files of pages.
"""

import errno
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from inference.api import KeptPages
from inference.cache.page_file import PARTIAL, SUFFIX, PageFileError, is_own

_KEPT_SECONDS = 30 * 24 * 3600.0
_PARTIAL_SECONDS = 3600.0  # a file that is written for longer was left by a kill
_MOST_FILES = 1000
LEAST_FREE_BYTES = 1_000_000_000  # others need the disk too


@dataclass(frozen=True, order=True)
class StoredFile:
    """A file below the folder, ordered by its last use."""

    used_s: float  # in the system's time
    path: Path
    size_bytes: int


def check_folders(kept: KeptPages) -> os.stat_result:
    """Return the status of the folder of a request's pages.

    Raises FileNotFoundError where it is no more, PageFileError where it or a folder above it, up to the root of all
    pages, is a link or not the user's alone.
    """
    folder = kept.folder
    for each in (kept.root, folder.parent, folder):
        found = os.lstat(each)
        if not stat.S_ISDIR(found.st_mode) or not is_own(found):
            raise PageFileError(f"{each} is not a folder of yours alone; remove it, or run: chmod 700 {each}")
    return found


def make_room(kept: KeptPages, needed_bytes: int) -> None:
    """Remove the least recently used files until so many bytes may be written.

    Raises OSError when the disk is nearly full.
    """
    files = sorted(stored_files(kept.root))
    total_bytes = sum(file.size_bytes for file in files)
    for count, file in zip(range(len(files), 0, -1), files, strict=True):
        unused_s = time.time() - file.used_s
        is_left_over = file.path.name.endswith(PARTIAL) and unused_s > _PARTIAL_SECONDS
        is_too_much = total_bytes + needed_bytes > kept.most_bytes or count > _MOST_FILES
        if is_left_over or is_too_much or unused_s > _KEPT_SECONDS:
            with suppress(OSError):
                file.path.unlink()
            total_bytes -= file.size_bytes
    if shutil.disk_usage(kept.root).free < needed_bytes + LEAST_FREE_BYTES:
        raise OSError(errno.ENOSPC, "the disk is nearly full")


def stored_files(root: Path) -> Iterator[StoredFile]:
    """Yield all files of pages below the root, those too that are being written."""
    for path in root.glob(f"*/*/*{SUFFIX}*"):
        with suppress(OSError):
            found = path.lstat()
            yield StoredFile(found.st_mtime, path, found.st_size)


def mark_used(path: Path) -> None:
    """Note that a file's pages were used: its time of change is the time of its last use."""
    with suppress(OSError):
        os.utime(path, follow_symlinks=False)
