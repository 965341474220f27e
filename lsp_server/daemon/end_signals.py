"""The signals that end a server."""

import asyncio
import signal
import sys
from collections.abc import Callable

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def call_at_signals(end: Callable[[], None]) -> None:
    """Have the running event loop call `end` when the process is told to end."""
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        if sys.platform == "win32":  # whose event loops know no signals
            signal.signal(number, lambda _number, _frame: loop.call_soon_threadsafe(end))
        else:
            loop.add_signal_handler(number, end)
