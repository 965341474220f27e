"""The file of an index: SQLite with FTS5, for one root, in the user's cache folder.

The index is a cache: a file with anything wrong is thrown away and made again. Deleted text is overwritten on the disk,
because the text may have to leave for holding a secret.
"""

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

import platformdirs

from context.index.file_identity import file_identity
from context.index.kept_pages import KeptPagesFolder

_log = logging.getLogger(__name__)

# Covers the tables, what is written into them, and the rules by content: a change of any makes a new index.
_VERSION = 4
_SUFFIXES = ("", "-wal", "-shm")
_BATCH_SECONDS = 0.2  # between commits: readers see the new files, other writers get their turn
_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
# Since this version FTS5 can overwrite single words; for an older one, `forget_deleted` writes the whole index anew.
_SECURE_DELETE_VERSION = (3, 42)
_WORD_TABLES = ("words", "lines")

_SCHEMA = """
CREATE TABLE about (id INTEGER PRIMARY KEY CHECK (id = 1), root TEXT NOT NULL);
CREATE TABLE files (
  id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, name TEXT NOT NULL, language TEXT NOT NULL,
  mtime_ns INTEGER NOT NULL, size INTEGER NOT NULL, hash BLOB NOT NULL, imports TEXT NOT NULL,
  why_plain TEXT NOT NULL);
CREATE INDEX files_by_name ON files(name);
CREATE TABLE chunks (
  id INTEGER PRIMARY KEY, file_id INTEGER NOT NULL, first_line INTEGER NOT NULL, end_line INTEGER NOT NULL,
  text TEXT NOT NULL);
CREATE INDEX chunks_by_file ON chunks(file_id);
CREATE TABLE symbols (
  id INTEGER PRIMARY KEY, file_id INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
  container TEXT NOT NULL, signature TEXT NOT NULL, first_line INTEGER NOT NULL, last_line INTEGER NOT NULL);
CREATE INDEX symbols_by_file ON symbols(file_id);
CREATE INDEX symbols_by_name ON symbols(name);
CREATE TABLE masks (file_id INTEGER NOT NULL, placeholder TEXT NOT NULL, rule TEXT NOT NULL);
CREATE INDEX masks_by_file ON masks(file_id);
CREATE VIRTUAL TABLE words USING fts5(
  terms, content='', tokenize="unicode61 remove_diacritics 0 tokenchars '_'");
CREATE VIRTUAL TABLE lines USING fts5(beginnings, content='', detail=none, columnsize=0);
CREATE VIRTUAL TABLE word_counts USING fts5vocab(words, row);
"""


def index_path(root: Path, cache_folder: Path | None = None) -> Path:
    """Return the path of a root's database, which is named by the root's real path."""
    folder = cache_folder or platformdirs.user_cache_path("midspan") / "index"
    real = os.path.realpath(root)
    name = blake2b(os.fsencode(real), digest_size=8).hexdigest()
    return folder / f"{name}.sqlite3"


class Database:
    """Open until `close`. One thread at a time writes, under `write_lock`; any thread reads, also meanwhile."""

    def __init__(self, path: Path) -> None:
        """Raises OSError when the folder cannot be written."""
        self.path = path
        self.is_damaged = False  # as far as a statement has met the damage
        self.write_lock = threading.RLock()
        self._read_lock = threading.RLock()
        self._writer: sqlite3.Connection
        self._reader: sqlite3.Connection
        self._opened: tuple[int, int] | None
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._open()

    @property
    def size_bytes(self) -> int:
        """The size of the database and of its write-ahead log."""
        files = [Path(f"{self.path}{suffix}") for suffix in _SUFFIXES]
        return sum(file.stat().st_size for file in files if file.exists())

    def close(self) -> None:
        """Close the database; later reads find nothing."""
        with self.write_lock, self._read_lock:
            self._writer.close()
            self._reader.close()

    def reopen_if_replaced(self) -> bool:
        """Open the file that another process has put in this one's place, and return whether there is one.

        The other process has made an index again that was broken, or that somebody had deleted.
        """
        with self.write_lock, self._read_lock:
            if file_identity(self.path) == self._opened:
                return False
            self._writer.close()
            self._reader.close()
            self._open()
            self.is_damaged = False
            return True

    def read(self, sql: str, parameters: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows; no rows when the database is damaged or closed."""
        with self._read_lock:
            try:
                return self._reader.execute(sql, tuple(parameters)).fetchall()
            except sqlite3.Error as error:
                self._note(error)
                _log.debug("The index %s cannot be read (%s).", self.path, error)
                return []

    # From here on the caller holds the write lock.

    def write(self, sql: str, parameters: Iterable[object] = ()) -> sqlite3.Cursor:
        """Run one statement. Raises sqlite3.Error."""
        try:
            return self._writer.execute(sql, tuple(parameters))
        except sqlite3.Error as error:
            self._note(error)
            raise

    def write_many(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        """Run one statement for each row. Raises sqlite3.Error."""
        self._writer.executemany(sql, rows)

    @contextmanager
    def transactions(self) -> Iterator[Callable[[], None]]:
        """Commit at the end, and from time to time whenever the caller calls the function that is given."""
        self.write("BEGIN IMMEDIATE")
        started = time.monotonic()

        def step() -> None:
            nonlocal started
            if time.monotonic() - started > _BATCH_SECONDS:
                self.write("COMMIT")
                self.write("BEGIN IMMEDIATE")
                started = time.monotonic()

        try:
            yield step
        except BaseException:
            if self._writer.in_transaction:
                with suppress(sqlite3.Error):  # the first error is the one that matters
                    self._writer.execute("ROLLBACK")
            raise
        self.write("COMMIT")

    def forget_deleted(self) -> None:
        """Remove deleted text from the disk: from the words and from the write-ahead log."""
        if sqlite3.sqlite_version_info < _SECURE_DELETE_VERSION:
            for table in _WORD_TABLES:
                self.write(f"INSERT INTO {table}({table}) VALUES ('optimize')")
        self.write("PRAGMA wal_checkpoint(TRUNCATE)")

    def repair(self) -> None:
        """Replace a damaged database by an empty one."""
        if not self._is_broken():
            self.is_damaged = False
            return
        _log.warning("The index %s is corrupt; it is made again.", self.path)
        with self._read_lock:
            self._writer.close()
            self._reader.close()
            self._delete_files()
            self._open()
            self.is_damaged = False

    def _open(self) -> None:
        if not self._is_ours():
            self._delete_files()
            self._writer = self._connect()
            self._create()
        else:
            self._writer = self._connect()
        self._reader = self._connect()
        self._reader.execute("PRAGMA query_only = ON")
        self._opened = file_identity(self.path)

    def _is_ours(self) -> bool:
        """Tell whether the file is a database of this version."""
        try:
            connection = self._connect()
            try:
                return bool(connection.execute("PRAGMA user_version").fetchone() == (_VERSION,))
            finally:
                connection.close()
        except sqlite3.DatabaseError as error:
            if _is_corruption(error):
                return False
            raise OSError(f"{self.path} cannot be used as an index ({error}).") from error

    def _connect(self) -> sqlite3.Connection:
        # check_same_thread is off: the locks let one thread in at a time.
        connection = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
        with suppress(OSError):
            self.path.chmod(0o600)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA cache_size = -16000")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _create(self) -> None:
        KeptPagesFolder(self.path).begin_forgetting()  # nothing is known any more of the files that they show
        self._writer.executescript(f"BEGIN;{_SCHEMA}PRAGMA user_version = {_VERSION};COMMIT;")
        if sqlite3.sqlite_version_info >= _SECURE_DELETE_VERSION:
            for table in _WORD_TABLES:
                self._writer.execute(f"INSERT INTO {table}({table}, rank) VALUES ('secure-delete', 1)")

    def _is_broken(self) -> bool:
        try:
            return bool(self._writer.execute("PRAGMA quick_check(1)").fetchone() != ("ok",))
        except sqlite3.DatabaseError as error:
            return _is_corruption(error)

    def _note(self, error: sqlite3.Error) -> None:
        self.is_damaged = self.is_damaged or _is_corruption(error)

    def _delete_files(self) -> None:
        for suffix in _SUFFIXES:
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)


def _is_corruption(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0)  # misuse, such as a closed connection, has none
    return code & 0xFF in _CORRUPT  # the bits above that byte say what is corrupt
