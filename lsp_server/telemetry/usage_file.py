"""The file with the counts of what was shown and accepted: SQLite, in the user's state folder, the user's alone.

Each row is how often something happened on a day, in a language and an editor. There is no text and no name of a file
in it. It grows by the days alone, and those of long ago are dropped.
"""

import os
import sqlite3
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

_VERSION = 1
_KEPT_DAYS = 400
_PATIENCE_S = 5.0  # another process may be writing
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_SCHEMA = f"""
CREATE TABLE counts (
  day TEXT NOT NULL, language TEXT NOT NULL, editor TEXT NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY (day, language, editor, name)) WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
"""


@dataclass(frozen=True)
class Group:
    """`day`: as 2026-01-31, where the user is."""

    day: str
    language: str
    editor: str


Counts = dict[Group, Counter[str]]


def usage_file() -> Path:
    """It need not be there."""
    return platformdirs.user_state_path("midspan", appauthor=False) / "usage.sqlite3"


def add_counts(path: Path, counts: Counts) -> None:
    """Adds them to those in the file, all or none of them. Raises OSError or sqlite3.Error.

    A file that is broken, or of another version, is made again: what it held is lost.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        _add(path, counts)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _BROKEN:
            raise
        path.unlink()
        _add(path, counts)


def read_counts(path: Path, since: str) -> Counts:
    """Those of this day and later; none without a file. Raises sqlite3.Error for a file that cannot be read."""
    if not path.exists():
        return {}
    found: Counts = {}
    # For writing too: what a process that was killed had begun is undone by the next who looks.
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=_PATIENCE_S)) as connection:
        rows = connection.execute("SELECT day, language, editor, name, count FROM counts WHERE day >= ?", (since,))
        for day, language, editor, name, count in rows:
            found.setdefault(Group(day, language, editor), Counter())[name] = count
    return found


def _add(path: Path, counts: Counts) -> None:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
    path.chmod(0o600)
    with closing(sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            _write(connection, counts)
        except BaseException:
            with suppress(sqlite3.Error):  # what was wrong at first is what matters
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
    connection.execute("DELETE FROM counts WHERE day < date('now', ?)", (f"-{_KEPT_DAYS} days",))
