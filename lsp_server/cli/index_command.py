"""`midspan index [PATH]`: brings the index of a workspace up to date, with a progress bar on a terminal."""

import json
import logging
import sqlite3
import sys
import time
from dataclasses import asdict
from pathlib import Path

from context.index.database import index_path
from context.index.index import Index
from context.rules.rules import Rules
from lsp_server.cli.complete_command import root_of
from lsp_server.telemetry.log_setup import set_up_logging
from midspan import DocumentError, SettingsError

_BAR_CHARACTERS = 30
_REDRAW_SECONDS = 0.1


class Bar:
    """One line of stderr that is drawn over; nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._drawn = 0.0

    def draw(self, done: int, total: int) -> None:
        """Like a workspace's progress; 0 of 0 draws nothing."""
        now = time.monotonic()
        if not self._is_terminal or total == 0 or (now - self._drawn < _REDRAW_SECONDS and done < total):
            return
        self._drawn = now
        full = _BAR_CHARACTERS * done // total
        bar = "█" * full + "░" * (_BAR_CHARACTERS - full)
        print(f"\r{bar} {done:,} of {total:,} files", end="\n" if done == total else "", file=sys.stderr, flush=True)


def index_workspace(path: Path | None, *, as_json: bool) -> int:
    """Prints what was done; the exit code. Without a path, the repository that the current folder is in.

    Raises DocumentError for a path that is no folder, SettingsError when the index cannot be written.
    """
    set_up_logging(logging.WARNING)
    root = path if path is not None else root_of(Path.cwd() / "x")
    if not root.is_dir():
        raise DocumentError(f"{root} is not a folder. Name the root of a workspace.")
    database = index_path(root)
    started = time.monotonic()
    try:
        index = Index(database)
        try:
            report = index.update(Rules(root), Bar().draw)
            ((files, symbols),) = index.read("SELECT (SELECT count(*) FROM files), (SELECT count(*) FROM symbols)")
        finally:
            index.close()
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
            f"{files:,} files and {symbols:,} definitions in {seconds:.1f} s: {report.added:,} new, "
            f"{report.changed:,} changed, {report.removed:,} gone."
        )
    return 0
