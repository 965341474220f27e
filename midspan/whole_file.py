"""Writes files of the user's own that a reader sees whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path
from threading import get_ident

from midspan.file_flags import OWN_FILE


def write_whole(path: Path, content: bytes) -> None:
    """Put a file that the user alone may read in the place of the one before. Raises OSError, and changes nothing then.

    Of several processes and threads that write at the same time, the last one's file stays.
    """
    new = path.with_name(f"{path.name}.{os.getpid()}-{get_ident()}")
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | OWN_FILE, 0o600), "wb") as file:
            file.write(content)
        new.replace(path)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise


def sync_files(folder: Path) -> None:
    """Have the disk take all files below a folder, before the folder gets its name. Raises OSError.

    A file system may keep a name and a size when the power fails, and zeros for the content.
    """
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("r+b") as file:  # Windows syncs no file that is open to be read
                os.fsync(file.fileno())
