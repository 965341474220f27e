"""The check of a workspace's index."""

import sqlite3
from contextlib import closing
from pathlib import Path

from context.index.database import index_path
from context.index.index import Index
from context.rules.rules import Rules
from lsp_server.cli.checks.finding import Finding
from lsp_server.cli.output.sizes import size_in_words
from midspan import SettingsError

_SUBJECT = "index"


def check_index(root: Path) -> list[Finding]:
    """Read the index of this root, and offer to build a broken index anew."""
    path = index_path(root)
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
