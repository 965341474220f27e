"""The update of a workspace's index, with a progress bar on a terminal."""

import json
import logging
import sqlite3
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from context.index.database import index_path
from context.index.index import Index
from context.rules.rules import Rules
from lsp_server.cli.output.progress_bar import ProgressBar
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
