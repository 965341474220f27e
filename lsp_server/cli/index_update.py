"""The update of a workspace's index, with a progress bar on a terminal, and the end of what is kept on the disk."""

import json
import logging
import sqlite3
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from context.index.database import index_path
from context.index.index import Index
from context.index.kept_pages import forget_all_pages, kept_bytes, user_pages_folder
from context.rules.rules import Rules
from lsp_server.cli.output.progress_bar import ProgressBar
from lsp_server.cli.output.sizes import size_in_words
from lsp_server.telemetry.log_setup import set_up_logging
from midspan import DocumentError, SettingsError


def update_index(root: Path, *, as_json: bool) -> int:
    """Update the index of this root and print what changed; return the exit code.

    Raises DocumentError for a path that is no folder, SettingsError when the index cannot be written.
    """
    set_up_logging(logging.WARNING)
    if not root.is_dir():
        raise DocumentError(f"{root} is not a folder. Name the root of a workspace.")
    database = index_path(root)
    started = time.monotonic()
    try:
        with closing(Index(database)) as index:
            report = index.update(Rules(root), ProgressBar().draw)
            ((files, symbols),) = index.read("SELECT (SELECT count(*) FROM files), (SELECT count(*) FROM symbols)")
    except (OSError, sqlite3.Error) as error:
        raise SettingsError(
            f"{database} cannot be written ({error}). Check the folder and the disk's space."
        ) from error
    seconds = time.monotonic() - started
    figures = {"root": str(root), "database": str(database), "files": files, "symbols": symbols, "seconds": seconds}
    if as_json:
        print(json.dumps({**figures, **asdict(report), "bytes": database.stat().st_size}))
    else:
        print(
            f"{files:,} files and {symbols:,} definitions in {seconds:.1f} s: {report.added:,} added, "
            f"{report.changed:,} changed, {report.removed:,} removed."
        )
    return 0


def forget_pages(*, as_json: bool) -> int:
    """Remove the kept pages of all workspaces and print what they took; return 1 when some cannot be removed."""
    folder = user_pages_folder()
    before = kept_bytes(folder)
    forget_all_pages(folder)
    left = kept_bytes(folder)
    if as_json:
        print(json.dumps({"folder": str(folder), "removed_bytes": before - left, "left_bytes": left}))
    elif left:
        print(f"{size_in_words(left)} of kept pages are left. Remove {folder} yourself.")
    else:
        print(f"{size_in_words(before)} of kept pages are removed from {folder}.")
    return 1 if left else 0
