"""Finds and removes the indexes of workspaces that are gone."""

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from context.index.kept_pages import KeptPagesFolder

_log = logging.getLogger(__name__)

_KEPT_SECONDS = 30 * 24 * 3600.0  # a disk that is not there now may come back


@dataclass(frozen=True)
class GoneIndex:
    """The index of a root that is no folder any more. `root` is None where the index does not say its root."""

    database: Path
    root: str | None
    unseen_seconds: float
    size_bytes: int


def find_gone_indexes(folder: Path) -> list[GoneIndex]:
    """Return the indexes in the folder whose roots are gone, and those that no version of this program can read."""
    found = []
    for database in sorted(folder.glob("*.sqlite3")):
        with suppress(OSError):
            files = [file.stat() for file in _files_of(database) if not file.name.endswith("-shm")]
            # To look into a database makes an empty log. All are empty where a full disk let no index be made.
            written = [file for file in files if file.st_size] or files
            unseen = time.time() - max(file.st_mtime for file in written)
            root = _root_of(database)
            if root is None or not os.path.isdir(root):
                found.append(GoneIndex(database, root, unseen, sum(file.st_size for file in files)))
    return found


def remove_index(index: GoneIndex) -> None:
    """Delete all files of an index, and the kept pages of its workspace. Raises OSError."""
    KeptPagesFolder(index.database).delete()
    for file in _files_of(index.database):
        file.unlink(missing_ok=True)


def remove_gone_indexes(folder: Path) -> None:
    """Delete the indexes of roots that are gone and that nothing has written for 30 days."""
    for index in find_gone_indexes(folder):
        if index.unseen_seconds > _KEPT_SECONDS:
            with suppress(OSError):
                remove_index(index)
                _log.info("The index of %s is removed: the folder is gone.", index.root or "an unknown root")


def _root_of(database: Path) -> str | None:
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT root FROM about").fetchone()
    except sqlite3.Error:  # an older version's, or a broken one
        return None
    return str(row[0]) if row is not None else None


def _files_of(database: Path) -> Iterator[Path]:
    """Yield the database, its logs, and the files of its quarantine."""
    return database.parent.glob(f"{database.stem}.*")
