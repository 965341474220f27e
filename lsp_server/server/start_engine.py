"""The start of an engine by the settings, and of the log."""

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

from inference.api import Engine
from inference.remote.address import RemoteAddress
from inference.store.model_store import find_folder, user_store
from lsp_server.settings.values import ModelSettings
from midspan import SettingsError

_LARGEST_LOG_BYTES = 5_000_000  # the one before is kept beside it
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def set_up_logging(level: int, log_file: Path | None = None) -> None:
    """The log goes to stderr or to the file. Raises SettingsError when the file cannot be written."""
    try:
        handler = open_log(log_file) if log_file else logging.StreamHandler(sys.stderr)
    except OSError as error:
        raise SettingsError(f"{log_file} cannot be written ({error.strerror}). Name another log file.") from error
    logging.basicConfig(
        level=level,
        handlers=[handler],
        format=LOG_FORMAT,
    )
    # pygls logs what a client sends, and with it the user's code; openai and what it stands on, addresses and headers.
    logging.getLogger("pygls").setLevel(logging.CRITICAL)  # endpoint.py and server.py log what went wrong
    for library in ("openai", "httpx", "httpx2", "httpcore", "httpcore2"):
        logging.getLogger(library).setLevel(logging.WARNING)
    logging.getLogger("watchdog").setLevel(logging.ERROR)  # it warns of what a later walk makes good


def open_log(log_file: Path) -> logging.Handler:
    """A handler that writes to the end of the file. Raises OSError."""
    # A name that is not UTF-8 must not cost the line it stands in.
    return RotatingFileHandler(
        log_file, maxBytes=_LARGEST_LOG_BYTES, backupCount=1, encoding="utf-8", errors="backslashreplace"
    )


def start_engine(settings: ModelSettings) -> Engine:
    """Start the engine that the settings name: inside this process, or a server's. Raises ModelError."""
    if isinstance(settings.model, RemoteAddress):
        from inference.remote.engine import RemoteEngine

        return RemoteEngine(settings.model)
    from inference.api import EngineSettings
    from inference.local_engine import LocalEngine

    model = find_folder(user_store(), settings.model) if settings.model else None
    return LocalEngine(EngineSettings(model=model, cache_bytes=settings.cache_bytes, quant=settings.quant))
