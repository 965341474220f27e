"""The check of a workspace's index."""

import sqlite3
from contextlib import closing
from pathlib import Path

from context.index.database import index_path
from context.index.gone_indexes import find_gone_indexes, remove_index
from context.index.index import Index
from context.index.quarantine import clear_quarantine, quarantined
from context.rules.rules import Rules
from lsp_server.cli.checks.finding import Finding
from lsp_server.cli.output.sizes import size_in_words
from midspan import SettingsError

_SUBJECT = "index"
_SHOWN_FILES = 3


def check_index(root: Path) -> list[Finding]:
    """Read the index of this root; offer to build a broken one anew, and to remove those of roots that are gone."""
    path = index_path(root)
    return [*_check_database(root, path), *_check_quarantine(root, path), *_check_gone(path.parent)]


def _check_database(root: Path, path: Path) -> list[Finding]:
    if not path.exists():
        return [Finding(_SUBJECT, f"{root} has no index yet. An editor builds it, or: midspan index")]
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)) as connection:
            is_whole = connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
            files = connection.execute("SELECT count(*) FROM files").fetchone()[0] if is_whole else 0
            reason = "a page is broken"
    except sqlite3.Error as error:
        is_whole, files, reason = False, 0, str(error)
    if is_whole:
        return [Finding(_SUBJECT, f"{root}: {files:,} files, {size_in_words(path.stat().st_size)}.")]

    def rebuild() -> str:
        try:
            index = Index(path)
            try:
                index.update(Rules(root))
            finally:
                index.close()
        except sqlite3.Error as error:
            raise SettingsError(
                f"{path} cannot be written ({error}). Check the folder and the disk's space."
            ) from error
        return f"The index of {root} is built anew."

    what = f"The index of {root}, {path}, is broken ({reason})."
    fix = "The daemon builds it anew when it opens the workspace; or: midspan index, or midspan doctor --fix"
    return [Finding(_SUBJECT, what, is_wrong=True, fix=fix, mend=rebuild)]


def _check_quarantine(root: Path, path: Path) -> list[Finding]:
    listed = quarantined(path)
    if not listed:
        return []

    def clear() -> str:
        return f"{clear_quarantine(path)} files of {root} are read again."

    shown = ", ".join(listed[:_SHOWN_FILES]) + (", …" if len(listed) > _SHOWN_FILES else "")
    what = f"{len(listed)} files of {root} are not read, because they took too long or ended the process: {shown}."
    fix = "midspan context why FILE says more. To read them again: midspan doctor --fix"
    return [Finding(_SUBJECT, what, fix=fix, mend=clear)]


def _check_gone(folder: Path) -> list[Finding]:
    gone = [index for index in find_gone_indexes(folder) if index.root is not None]  # others may be broken
    if not gone:
        return []

    def remove() -> str:
        for index in gone:
            remove_index(index)
        return f"{len(gone)} indexes of folders that are gone are removed."

    size = size_in_words(sum(index.size_bytes for index in gone))
    what = f"{len(gone)} indexes ({size}) are of folders that are gone, such as {gone[0].root}."
    fix = "Midspan removes each after 30 days; to remove them now: midspan doctor --fix"
    return [Finding(_SUBJECT, what, fix=fix, mend=remove)]
