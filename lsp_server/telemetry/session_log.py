"""What a process that serves many sessions logs about one of them, carried to that one's relay."""

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from lsp_server.daemon.socket_writer import SocketWriter
from lsp_server.relay.handshake import LOG
from lsp_server.rpc.frames import frame
from lsp_server.server.start_engine import LOG_FORMAT

# Tasks and callbacks inherit it from the one that reads the connection. The engine's thread belongs to none.
_session: ContextVar["_ToRelay | None"] = ContextVar("session", default=None)


DAEMON_LEVEL = logging.INFO


class _ToRelay(logging.Handler):
    def __init__(self, writer: SocketWriter) -> None:
        super().__init__()
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self.setFormatter(logging.Formatter(LOG_FORMAT))

    def emit(self, record: logging.LogRecord) -> None:
        if _session.get() is self:
            message = {"jsonrpc": "2.0", "method": LOG, "params": {"line": self.format(record)}}
            self._loop.call_soon_threadsafe(self._writer.write, frame(json.dumps(message).encode()))


@contextmanager
def session_log(writer: SocketWriter) -> Iterator[None]:
    """Within it, what this task and its children log goes to the relay at the writer's other end too."""
    handler = _ToRelay(writer)
    handler.setLevel(DAEMON_LEVEL)
    token = _session.set(handler)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        _session.reset(token)
        _let_through()


def follow_level(level: int) -> None:
    """From now on the log of this task's session has what is at least of this level.

    A process with one session has one log, and that is the session's.
    """
    if (handler := _session.get()) is None:
        logging.getLogger().setLevel(level)
    else:
        handler.setLevel(level)
        _let_through()


def _let_through() -> None:
    """What the daemon's own log wants, and the most curious of its sessions; each handler takes of it what it wants."""
    root = logging.getLogger()
    root.setLevel(min([DAEMON_LEVEL, *(handler.level for handler in root.handlers if isinstance(handler, _ToRelay))]))
