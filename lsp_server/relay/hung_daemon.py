"""A daemon that runs and says nothing: how a relay notices, and how it ends it.

A long prompt is read on the engine's thread, and a question of the relay's own is answered meanwhile. Only a daemon
whose event loop stands still, because it is stopped or stuck, answers nothing at all.
"""

import fcntl
import os
import select
import signal
import socket
import time

from lsp_server.relay.runtime_folder import LOCK, check_peer, peer_pid, runtime_folder

# Of silence while an answer is owed: then the relay asks something itself, and after as long again it gives up.
PATIENCE_S = 15.0
_LOOKS = 5  # within the patience


class Silence:
    """Of one connection, as long as an answer is owed on it."""

    def __init__(self, connection: socket.socket, patience_s: float) -> None:
        self._connection = connection
        self._patience_s = patience_s
        self._began_s: float | None = None
        self.is_asked = False

    def is_broken(self) -> bool:
        """Waits a moment for the daemon to say something."""
        readable, _, _ = select.select([self._connection], [], [], self._patience_s / _LOOKS)
        if readable:
            self._began_s, self.is_asked = None, False
        return bool(readable)

    def goes_on(self, *, is_owed: bool) -> None:
        """To be told each time that it is not broken."""
        if not is_owed:
            self._began_s, self.is_asked = None, False
        elif self._began_s is None:
            self._began_s = time.monotonic()

    @property
    def is_long(self) -> bool:
        """Long enough to ask whether the daemon hears."""
        return self._lasts(self._patience_s)

    @property
    def is_final(self) -> bool:
        """Too long for a daemon that hears."""
        return self._lasts(2 * self._patience_s)

    def _lasts(self, at_least_s: float) -> bool:
        return self._began_s is not None and time.monotonic() - self._began_s >= at_least_s


def takes_more(connection: socket.socket) -> bool:
    """Whether a short message can be sent without waiting."""
    return bool(select.select([], [connection], [], 0)[1])


def end_hung(connection: socket.socket) -> bool:
    """Ends the process at the other end if it is the user's and holds the daemon's lock; says whether.

    A daemon that has given up its place holds none, and nobody waits for it any more. Raises SettingsError when
    the process is another user's.
    """
    check_peer(connection)
    pid = peer_pid(connection)
    if pid != holder_of_lock():
        return False
    os.kill(pid, signal.SIGKILL)
    return True


def holder_of_lock() -> int | None:
    """The process that has written its number into the lock and still holds it."""
    try:
        descriptor = os.open(runtime_folder() / LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        written = os.read(descriptor, 32)
        return int(written) if written.isdigit() else None
    finally:
        os.close(descriptor)
    return None
