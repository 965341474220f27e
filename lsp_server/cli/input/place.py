"""FILE:LINE:COL on the command line, and the repository around a file."""

import os
from pathlib import Path

from context.documents.document import read_document
from context.documents.snapshot import Snapshot
from midspan import DocumentError, SettingsError


def snapshot_at(place: str) -> Snapshot:
    """Read the file of FILE:LINE:COL and set the cursor. Raises DocumentError, or SettingsError for another form."""
    path, *numbers = place.rsplit(":", 2)
    if len(numbers) != 2 or not path or not all(number.isdecimal() for number in numbers):
        raise SettingsError(f"{place!r} is not FILE:LINE:COL. Write for example src/app.py:12:5.")
    line, column = map(int, numbers)
    if line < 1 or column < 1:
        raise DocumentError(f"{place}: lines and columns count from 1.")
    document = read_document(path, root_of(Path(path)))
    return Snapshot(document, document.offset_at(line - 1, column - 1))


def root_of_place(place: str) -> Path:
    """The root of the file of FILE:LINE:COL, which need not be a right place."""
    return root_of(Path(place.rsplit(":", 2)[0]))


def root_of(path: Path) -> Path:
    """The repository that holds the file or the folder; without a repository, the folder, or that of the file."""
    absolute = Path(os.path.abspath(path))
    return _repository_above(absolute if absolute.is_dir() else absolute.parent)


def current_root() -> Path:
    """The repository that the current folder is in; without a repository, the current folder."""
    return _repository_above(Path.cwd())


def is_repository(folder: Path) -> bool:
    """Return whether a folder is the root of a repository."""
    return (folder / ".git").exists()


def _repository_above(folder: Path) -> Path:
    return next((above for above in (folder, *folder.parents) if is_repository(above)), folder)
