"""The index of one workspace: its chunks by their words, its definitions by their names."""

import json
import logging
import os
import sqlite3
import stat
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from context.documents.document import Document, language_of_text
from context.documents.work_limit import WorkLimit, WorkLimitError
from context.index.database import Database
from context.index.kept_pages import KeptPagesFolder
from context.index.line_beginnings import remove_lines, write_lines
from context.index.quarantine import Quarantine
from context.index.terms import identifiers, search_terms
from context.rules.rules import FoundFile, Rules
from context.secrets.masking import MaskedSecret, mask_text
from context.syntax.imports import find_imports
from context.syntax.syntax import parse

_log = logging.getLogger(__name__)

_MAX_SEARCHED_CHARACTERS = 50_000  # a longer chunk is data, and too long to be compared with others


@dataclass(frozen=True)
class Report:
    """The numbers of files that an update found to be new, changed, and gone (or no longer allowed)."""

    added: int = 0
    changed: int = 0
    removed: int = 0


class Index:
    """Open until `close`. Any thread may call anything; those that write take turns."""

    def __init__(
        self,
        path: Path,
        watched: Callable[[], AbstractContextManager[None]] = nullcontext,
        file_s: float = 2.0,
    ) -> None:
        """Open the database or make it. Raises OSError when the folder cannot be written.

        Each file is read and written within a context of `watched`. `file_s` is the time of the CPU to read, judge and
        parse a file.
        """
        self._database = Database(path)
        self._kept_pages = KeptPagesFolder(path)
        self._quarantine = Quarantine(path)
        self._watched = watched
        self._file_s = file_s

    @property
    def path(self) -> Path:
        """The file of the database."""
        return self._database.path

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
        self._quarantine.close()
        self._database.close()

    def forget_work(self) -> None:
        """Note on the disk that no file is read: the process ends by itself."""
        self._quarantine.close()

    def reopen_if_replaced(self) -> bool:
        """Open the file that another process has put in the place of one that was broken or gone; return whether so."""
        return self._database.reopen_if_replaced()

    def note(self, path: str) -> str:
        """Return why the file's text was read without its syntax; "" where it was read with it, or is not known."""
        rows = self.read("SELECT why_plain FROM files WHERE path = ?", [path])
        return str(rows[0][0]) if rows else ""

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
            self._quarantine.open()
            self._database.write("INSERT OR REPLACE INTO about(id, root) VALUES (1, ?)", [str(rules.root)])
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
                    changes.append(self._remove(rules, path))
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
            self._quarantine.open()
            with self._database.transactions() as step:
                for path in paths:
                    file = _stat(rules, path) if rules.by_name(path).included else None
                    changes.append(self._remove(rules, path) if file is None else self._take(rules, file))
                    step()
            return self._report(changes)

    # From here on the caller holds the write lock.

    def _report(self, changes: list[str]) -> Report:
        report = Report(changes.count("added"), changes.count("changed"), changes.count("removed"))
        if report.removed or report.changed:
            self._database.forget_deleted()
        return report

    def _take(self, rules: Rules, file: FoundFile) -> str:
        """Write the file's content into the index; return "added", "changed", "removed", or "" for no change.

        A file on which the work fails, or takes too long, is left out until it changes.
        """
        if self._quarantine.reason(file) is not None:
            return self._remove(rules, file.path)
        self._database.write("SAVEPOINT file")
        try:
            with self._watched(), self._quarantine.working_on(file):
                change = self._write(rules, file, WorkLimit(self._file_s))
            self._database.write("RELEASE file")
            return change
        except WorkLimitError as error:
            reason = str(error)
        except sqlite3.Error:
            raise
        except Exception as error:  # whatever a file does, the others are indexed
            _log.exception("%s cannot be indexed.", file.path)
            reason = f"it cannot be indexed ({type(error).__name__})"
        self._database.write("ROLLBACK TO file")
        self._quarantine.add(file, reason)
        return self._remove(rules, file.path)

    def _write(self, rules: Rules, file: FoundFile, limit: WorkLimit) -> str:
        verdict, text = rules.read(file.path)
        if not verdict.included:
            return self._remove(rules, file.path)
        limit.check("read and judge")
        text, secrets = mask_text(text, file.path)
        known = self._database.write("SELECT id, hash FROM files WHERE path = ?", (file.path,)).fetchone()
        digest = blake2b(text.encode(), digest_size=16).digest()
        if known and known[1] == digest:
            self._database.write(
                "UPDATE files SET mtime_ns = ?, size = ? WHERE id = ?", (file.mtime_ns, file.size, known[0])
            )
            return ""
        if known:
            rows = self._database.write("SELECT placeholder FROM masks WHERE file_id = ?", known[:1])
            if {secret.placeholder for secret in secrets} - {placeholder for (placeholder,) in rows}:
                self._kept_pages.begin_forgetting()  # the text until now may have shown the secret
            self._delete(file.path)
        self._insert(file, text, digest, secrets, limit)
        return "changed" if known else "added"

    def _insert(
        self, file: FoundFile, text: str, digest: bytes, secrets: Iterable[MaskedSecret], limit: WorkLimit
    ) -> None:
        language = language_of_text(file.path, text)
        lines = Document(file.path, text, language, 0).lines
        outline = parse(language, text, lines, limit)
        imports = json.dumps(find_imports(language, text))
        name = file.path.rsplit("/", 1)[-1]
        file_id = self._database.write(
            "INSERT INTO files(path, name, language, mtime_ns, size, hash, imports, why_plain)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (file.path, name, language, file.mtime_ns, file.size, digest, imports, outline.why_plain),
        ).lastrowid
        self._database.write_many(
            "INSERT INTO symbols(file_id, name, kind, container, signature, first_line, last_line)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(file_id, s.name, s.kind, s.container, s.signature, s.first_line, s.last_line) for s in outline.symbols],
        )
        self._database.write_many(
            "INSERT INTO masks(file_id, placeholder, rule) VALUES (?, ?, ?)",
            {(file_id, secret.placeholder, secret.rule) for secret in secrets},
        )
        for chunk in outline.chunks:
            chunk_text = "".join(lines[chunk.first_line : chunk.end_line])
            chunk_id = self._database.write(
                "INSERT INTO chunks(file_id, first_line, end_line, text) VALUES (?, ?, ?, ?)",
                (file_id, chunk.first_line, chunk.end_line, chunk_text),
            ).lastrowid
            self._database.write("INSERT INTO words(rowid, terms) VALUES (?, ?)", (chunk_id, _words(chunk_text)))
            write_lines(self._database, chunk_id, chunk_text)

    def _remove(self, rules: Rules, path: str) -> str:
        """Take out a file that is gone, or that a rule keeps out from now on."""
        if not self._delete(path):
            return ""
        if os.path.lexists(rules.root / path):
            self._kept_pages.begin_forgetting()
        return "removed"

    def _delete(self, path: str) -> bool:
        row = self._database.write("SELECT id FROM files WHERE path = ?", (path,)).fetchone()
        if row is None:
            return False
        chunks = self._database.write("SELECT id, text FROM chunks WHERE file_id = ?", row).fetchall()
        # The words' table keeps no text: the statement must say which words to take out.
        self._database.write_many(
            "INSERT INTO words(words, rowid, terms) VALUES ('delete', ?, ?)",
            [(chunk_id, _words(text)) for chunk_id, text in chunks],
        )
        remove_lines(self._database, chunks)
        for table in ("chunks", "symbols", "masks"):
            self._database.write(f"DELETE FROM {table} WHERE file_id = ?", row)
        self._database.write("DELETE FROM files WHERE id = ?", row)
        return True


def open_index(path: Path) -> Index | None:
    """Open the index of a database; None when there can be none, and completions know the open buffers only."""
    try:
        return Index(path)
    except (OSError, sqlite3.Error) as error:
        _log.warning("There is no index (%s); completions see the open buffers only.", error)
        return None


def _words(text: str) -> str:
    if len(text) > _MAX_SEARCHED_CHARACTERS:
        return ""
    return " ".join(sorted(search_terms(identifiers(text))))


def _stat(rules: Rules, path: str) -> FoundFile | None:
    try:
        found = os.stat(rules.root / path, follow_symlinks=False)
    except OSError:
        return None
    return FoundFile(path, found.st_mtime_ns, found.st_size) if stat.S_ISREG(found.st_mode) else None
