"""The index of one workspace: its chunks by their words, its definitions by their names."""

import json
import logging
import os
import sqlite3
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from context.documents.document import Document, language_of
from context.index.database import Database
from context.index.terms import identifiers, search_terms
from context.rules.rules import FoundFile, Rules
from context.syntax.imports import find_imports
from context.syntax.syntax import parse

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Report:
    """The numbers of files that an update found to be new, changed, and gone (or no longer allowed)."""

    added: int = 0
    changed: int = 0
    removed: int = 0


class Index:
    """Open until `close`. Any thread may call anything; those that write take turns."""

    def __init__(self, path: Path) -> None:
        """Open the database or make it. Raises OSError when the folder cannot be written."""
        self._database = Database(path)

    @property
    def is_damaged(self) -> bool:
        """True when the database has to be made again; the next `update` does so."""
        return self._database.is_damaged

    @property
    def size_bytes(self) -> int:
        """The size of the database on the disk."""
        return self._database.size_bytes

    def close(self) -> None:
        """Close the database; later reads find nothing."""
        self._database.close()

    def read(self, sql: str, parameters: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows; no rows when the database is damaged or closed."""
        return self._database.read(sql, parameters)

    def update(
        self,
        rules: Rules,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Report:
        """Make the index agree with the disk and the rules. Files that did not change are not read.

        Raises sqlite3.Error, e.g. when the disk is full; what was written until then stays.
        """
        with self._database.write_lock:
            self._database.repair()
            found = list(rules.walk())
            rows = self._database.write("SELECT path, mtime_ns, size FROM files")
            known = {path: (mtime_ns, size) for path, mtime_ns, size in rows}
            gone = known.keys() - {file.path for file in found}
            stale = [file for file in found if known.get(file.path) != (file.mtime_ns, file.size)]
            changes: list[str] = []
            with self._database.transactions() as step:
                for path in sorted(gone):
                    if should_stop():
                        break
                    changes.append(self._remove(path))
                    step()
                for done, file in enumerate(stale, 1):
                    if should_stop():
                        break
                    changes.append(self._take(rules, file))
                    step()
                    on_progress(done, len(stale))
            return self._report(changes)

    def refresh(self, rules: Rules, paths: Iterable[str]) -> Report:
        """Make the index agree with the disk and the rules about these files only. Raises sqlite3.Error."""
        changes: list[str] = []
        with self._database.write_lock:
            with self._database.transactions() as step:
                for path in paths:
                    file = _stat(rules, path) if rules.by_name(path).included else None
                    changes.append(self._remove(path) if file is None else self._take(rules, file))
                    step()
            return self._report(changes)

    # From here on the caller holds the write lock.

    def _report(self, changes: list[str]) -> Report:
        report = Report(changes.count("added"), changes.count("changed"), changes.count("removed"))
        if report.removed or report.changed:
            self._database.forget_deleted()
        return report

    def _take(self, rules: Rules, file: FoundFile) -> str:
        """Write the file's content into the index; return "added", "changed", "removed", or "" for no change."""
        verdict, text = rules.read(file.path)
        if not verdict.included:
            return self._remove(file.path)
        known = self._database.write("SELECT id, hash FROM files WHERE path = ?", (file.path,)).fetchone()
        digest = blake2b(text.encode(), digest_size=16).digest()
        if known and known[1] == digest:
            self._database.write(
                "UPDATE files SET mtime_ns = ?, size = ? WHERE id = ?", (file.mtime_ns, file.size, known[0])
            )
            return ""
        if known:
            self._remove(file.path)
        self._insert(file, text, digest)
        return "changed" if known else "added"

    def _insert(self, file: FoundFile, text: str, digest: bytes) -> None:
        language = language_of(file.path)
        lines = Document(file.path, text, language, 0).lines
        symbols, chunks = parse(language, text, lines)
        imports = json.dumps(find_imports(language, text))
        name = file.path.rsplit("/", 1)[-1]
        file_id = self._database.write(
            "INSERT INTO files(path, name, language, mtime_ns, size, hash, imports) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (file.path, name, language, file.mtime_ns, file.size, digest, imports),
        ).lastrowid
        self._database.write_many(
            "INSERT INTO symbols(file_id, name, kind, container, signature, first_line, last_line)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(file_id, s.name, s.kind, s.container, s.signature, s.first_line, s.last_line) for s in symbols],
        )
        for chunk in chunks:
            chunk_text = "".join(lines[chunk.first_line : chunk.end_line])
            chunk_id = self._database.write(
                "INSERT INTO chunks(file_id, first_line, end_line, text) VALUES (?, ?, ?, ?)",
                (file_id, chunk.first_line, chunk.end_line, chunk_text),
            ).lastrowid
            self._database.write("INSERT INTO words(rowid, terms) VALUES (?, ?)", (chunk_id, _words(chunk_text)))

    def _remove(self, path: str) -> str:
        row = self._database.write("SELECT id FROM files WHERE path = ?", (path,)).fetchone()
        if row is None:
            return ""
        chunks = self._database.write("SELECT id, text FROM chunks WHERE file_id = ?", row).fetchall()
        # The words' table keeps no text: the statement must say which words to take out.
        self._database.write_many(
            "INSERT INTO words(words, rowid, terms) VALUES ('delete', ?, ?)",
            [(chunk_id, _words(text)) for chunk_id, text in chunks],
        )
        for table in ("chunks", "symbols"):
            self._database.write(f"DELETE FROM {table} WHERE file_id = ?", row)
        self._database.write("DELETE FROM files WHERE id = ?", row)
        return "removed"


def open_index(path: Path) -> Index | None:
    """Open the index of a database; None when there can be none, and completions know the open buffers only."""
    try:
        return Index(path)
    except (OSError, sqlite3.Error) as error:
        _log.warning("There is no index (%s); completions see the open buffers only.", error)
        return None


def _words(text: str) -> str:
    return " ".join(sorted(search_terms(identifiers(text))))


def _stat(rules: Rules, path: str) -> FoundFile | None:
    try:
        found = os.stat(rules.root / path, follow_symlinks=False)
    except OSError:
        return None
    return FoundFile(path, found.st_mtime_ns, found.st_size) if stat.S_ISREG(found.st_mode) else None
