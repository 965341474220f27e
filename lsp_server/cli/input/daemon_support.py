"""The systems that have a daemon."""

import socket

from midspan import SettingsError

HAS_DAEMON = hasattr(socket, "AF_UNIX")  # Windows has no such sockets in Python


def require_daemon() -> None:
    """Raise SettingsError on a system without a daemon."""
    if not HAS_DAEMON:
        raise SettingsError("There is no daemon on this system; `midspan serve` works without a daemon.")
