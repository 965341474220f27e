"""The daemon's log file."""

import os
from pathlib import Path
from typing import BinaryIO

import platformdirs

from midspan import SettingsError

_LARGE_BYTES = 5_000_000


def daemon_log() -> Path:
    """Where the daemon logs; the file need not be there yet."""
    return platformdirs.user_log_path("midspan", appauthor=False) / "daemon.log"


def open_daemon_log() -> BinaryIO:
    """The log, open for appending and the user's alone. One that has grown large is put aside first.

    Raises SettingsError when it cannot be written.
    """
    path = daemon_log()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _LARGE_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written ({error.strerror}). The daemon logs there. "
            "Make its folder writable, or serve without a daemon: midspan serve --standalone"
        ) from error
