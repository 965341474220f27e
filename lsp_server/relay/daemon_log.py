"""The daemon's log file."""

import os
from pathlib import Path
from typing import BinaryIO

import platformdirs

from midspan import SettingsError

_MAX_LOG_BYTES = 5_000_000


def daemon_log() -> Path:
    """Return the path of the daemon's log, which need not exist yet."""
    return platformdirs.user_log_path("midspan", appauthor=False) / "daemon.log"


def open_daemon_log() -> BinaryIO:
    """Open the log for appending, readable by the user alone; a full log is renamed first.

    Raises SettingsError when the log cannot be written.
    """
    path = daemon_log()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _MAX_LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written ({error.strerror}). The daemon logs there. "
            "Make its folder writable, or serve without a daemon: midspan serve --standalone"
        ) from error
