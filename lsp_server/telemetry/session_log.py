"""The log of one session in a process that serves many: its lines go to that session's editor too."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from lsp_server.telemetry.log_setup import LOG_FORMAT

DAEMON_LEVEL = logging.INFO

# The task that reads a connection sets this; its child tasks and callbacks inherit it. The engine's thread does not.
_session: ContextVar["_SessionHandler | None"] = ContextVar("session", default=None)


class _SessionHandler(logging.Handler):
    def __init__(self, send_line: Callable[[str], None]) -> None:
        super().__init__(DAEMON_LEVEL)
        self._send_line = send_line
        self._loop = asyncio.get_running_loop()
        self.setFormatter(logging.Formatter(LOG_FORMAT))

    def emit(self, record: logging.LogRecord) -> None:
        if _session.get() is self:
            self._loop.call_soon_threadsafe(self._send_line, self.format(record))


@contextmanager
def session_log(send_line: Callable[[str], None]) -> Iterator[None]:
    """Within the context, give every line that this task and its children log to `send_line` too, on the event loop."""
    handler = _SessionHandler(send_line)
    token = _session.set(handler)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        _session.reset(token)
        _set_root_level()


def follow_level(level: int) -> None:
    """Set the level of the log of this task's session.

    Outside of `session_log` the process serves one session, and the level is that of the process's own log.
    """
    if (handler := _session.get()) is None:
        logging.getLogger().setLevel(level)
    else:
        handler.setLevel(level)
        _set_root_level()


def _set_root_level() -> None:
    """Let the root logger pass what the daemon's log and the most detailed session log need; each handler filters."""
    root = logging.getLogger()
    levels = [handler.level for handler in root.handlers if isinstance(handler, _SessionHandler)]
    root.setLevel(min([DAEMON_LEVEL, *levels]))
