"""The identity of the file or folder that a path names."""

import os


def file_identity(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    """Return the numbers of the device and of the file or folder at a path; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
