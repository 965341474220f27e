"""The file of the usage counts: SQLite, in the user's state folder, readable by the user alone.

A row counts one event on one day, in one language and one editor. The file has no text of a document and no file names.
It grows with the days only, and old days are deleted.
"""

import os
import sqlite3
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from midspan.file_flags import OWN_FILE

_VERSION = 1
_MAX_DAYS = 400
_BUSY_TIMEOUT_S = 5.0  # another process may be writing
_CORRUPTION_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_SCHEMA = f"""
CREATE TABLE counts (
  day TEXT NOT NULL, language TEXT NOT NULL, editor TEXT NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY (day, language, editor, name)) WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
"""


@dataclass(frozen=True)
class Group:
    """The key of a row. `day` is the user's local date, as 2026-01-31."""

    day: str
    language: str
    editor: str


Counts = dict[Group, Counter[str]]


def usage_file() -> Path:
    """Return the path of the file, which need not exist."""
    return platformdirs.user_state_path("midspan", appauthor=False) / "usage.sqlite3"


def add_counts(path: Path, counts: Counts) -> None:
    """Add the counts to the file's, all of them or none. Raises OSError or sqlite3.Error.

    A file that is corrupt, or of another version, is replaced, and its counts are lost.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        _add(path, counts)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _CORRUPTION_CODES:
            raise
        path.unlink()
        _add(path, counts)


def read_counts(path: Path, since: str) -> Counts:
    """Read the counts of `since` and later days; {} without a file. Raises sqlite3.Error for an unreadable file."""
    if not path.exists():
        return {}
    found: Counts = {}
    # Opened for writing too: SQLite then rolls back a transaction that a killed process has left.
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=_BUSY_TIMEOUT_S)) as connection:
        if connection.execute("PRAGMA user_version").fetchone() == (0,):
            return {}  # another process is writing the first counts
        rows = connection.execute("SELECT day, language, editor, name, count FROM counts WHERE day >= ?", (since,))
        for day, language, editor, name, count in rows:
            found.setdefault(Group(day, language, editor), Counter())[name] = count
    return found


def _add(path: Path, counts: Counts) -> None:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | OWN_FILE, 0o600))
    path.chmod(0o600)
    with closing(sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            _write(connection, counts)
        except BaseException:
            with suppress(sqlite3.Error):  # the first error is the one to report
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def _write(connection: sqlite3.Connection, counts: Counts) -> None:
    if connection.execute("PRAGMA user_version").fetchone() != (_VERSION,):
        connection.execute("DROP TABLE IF EXISTS counts")
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
    rows = [
        (group.day, group.language, group.editor, name, count)
        for group, counter in counts.items()
        for name, count in counter.items()
    ]
    connection.executemany(
        "INSERT INTO counts VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (day, language, editor, name) DO UPDATE SET count = count + excluded.count",
        rows,
    )
    connection.execute("DELETE FROM counts WHERE day < date('now', ?)", (f"-{_MAX_DAYS} days",))
