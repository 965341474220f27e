"""Says which rule decides on a file, and what the indexing of the file came to."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from context.index.database import index_path
from context.index.quarantine import Quarantine
from context.rules.rules import FoundFile, Rules, Verdict


def explain(root: Path, path: str, cache_folder: Path | None = None) -> Verdict:
    """Return the verdict on a file of the disk (from the root, with "/"), which is read unless it is quarantined."""
    rules = Rules(root)
    database = index_path(rules.root, cache_folder)
    verdict = rules.by_name(path)
    if not verdict.included:
        return verdict
    try:
        found = os.stat(rules.root / path, follow_symlinks=False)
    except OSError:
        return rules.why(path)
    reason = Quarantine(database).reason(FoundFile(path, found.st_mtime_ns, found.st_size))
    if reason is not None:
        return Verdict(False, reason)
    verdict = rules.why(path)
    why_plain = _why_plain(database, path) if verdict.included else ""
    return Verdict(True, f"{verdict.why}; it is read as plain text, as {why_plain}") if why_plain else verdict


def _why_plain(database: Path, path: str) -> str:
    """Return why the index has the file's text without its syntax; "" where it has both, or no such file."""
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT why_plain FROM files WHERE path = ?", (path,)).fetchone()
    except sqlite3.Error:  # no index yet, or a broken one
        return ""
    return str(row[0]) if row is not None else ""
