"""A log file of one connection's own, in a process that serves many."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from lsp_server.start import LOG_FORMAT, open_log

# Tasks and callbacks inherit it from the one that reads the connection. The engine's thread belongs to none.
_connection: ContextVar[object] = ContextVar("connection")


@contextmanager
def connection_log(path: str | None) -> Iterator[None]:
    """Within it, what this task and its children log is written to the file too. Raises OSError."""
    if path is None:
        yield
        return
    connection = object()
    handler = open_log(Path(path))
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    handler.addFilter(lambda _record: _connection.get(None) is connection)
    token = _connection.set(connection)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        _connection.reset(token)
        handler.close()
