"""The log of a process: its format, its handler, and how much the libraries say in it."""

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

from midspan import SettingsError

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_MAX_LOG_BYTES = 5_000_000  # a full file is kept beside the new one


def set_up_logging(level: int, log_file: Path | None = None) -> None:
    """Send the log to `log_file`, or to stderr without one. Raises SettingsError when the file cannot be written."""
    try:
        handler = open_log(log_file) if log_file else logging.StreamHandler(sys.stderr)
    except OSError as error:
        raise SettingsError(f"{log_file} cannot be written ({error.strerror}). Name another log file.") from error
    logging.basicConfig(level=level, handlers=[handler], format=LOG_FORMAT)
    # pygls logs what a client sends, and with it the user's code. The endpoint and the server log its errors instead.
    logging.getLogger("pygls").setLevel(logging.CRITICAL)
    # openai and the libraries below it log addresses and headers.
    for library in ("openai", "httpx", "httpx2", "httpcore", "httpcore2"):
        logging.getLogger(library).setLevel(logging.WARNING)
    # watchdog warns of changes that it misses; the next walk of the folder finds them.
    logging.getLogger("watchdog").setLevel(logging.ERROR)


def open_log(log_file: Path) -> logging.Handler:
    """Return a handler that appends to the file and rotates it. Raises OSError."""
    # backslashreplace: a file name that is not UTF-8 must not cost the line that it stands in.
    return RotatingFileHandler(
        log_file, maxBytes=_MAX_LOG_BYTES, backupCount=1, encoding="utf-8", errors="backslashreplace"
    )
