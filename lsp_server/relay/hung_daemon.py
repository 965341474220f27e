"""Detects a daemon that hangs, and kills it.

A daemon answers the relay's ping on its event loop even while its engine's thread reads a long prompt. A daemon that
does not answer is stopped, or its event loop is stuck.
"""

import os
import select
import signal
import socket
import sys

from lsp_server.relay.door import is_loopback, lock_holder, peer_pid
from lsp_server.relay.runtime_folder import check_peer, runtime_folder

# A relay that waits for an answer for this long sends a ping, and gives the daemon up after as long again.
PATIENCE_S = 15.0
_POLLS_PER_PATIENCE = 5


class SilenceWatch:
    """Measures how long a daemon that owes an answer has sent nothing on one connection.

    It counts its own waits. A clock also runs while a container is paused, when no daemon can answer.
    """

    def __init__(self, connection: socket.socket, patience_s: float) -> None:
        self._connection = connection
        self._patience_s = patience_s
        self._silent_waits = 0  # while an answer was owed
        self._is_pinged = False

    def wait_for_data(self) -> bool:
        """Wait a fraction of the patience for the daemon to send something; return whether there is data to read."""
        readable, _, _ = select.select([self._connection], [], [], self._patience_s / _POLLS_PER_PATIENCE)
        if readable:
            self._reset()
        return bool(readable)

    def note_silence(self, *, is_answer_owed: bool) -> None:
        """Go on counting while an answer is owed. Call this whenever `wait_for_data` returns False."""
        if not is_answer_owed:
            self._reset()
        else:
            self._silent_waits += 1

    def note_ping(self) -> None:
        """Remember that the ping of this silence is sent."""
        self._is_pinged = True

    @property
    def is_ping_due(self) -> bool:
        return not self._is_pinged and self._silent_waits > _POLLS_PER_PATIENCE

    @property
    def is_too_long(self) -> bool:
        """True when the daemon had the time to answer a ping too, and hangs."""
        return self._silent_waits > 2 * _POLLS_PER_PATIENCE

    def _reset(self) -> None:
        self._silent_waits, self._is_pinged = 0, False


def can_send(connection: socket.socket) -> bool:
    """Return whether the socket takes a short message without blocking."""
    return bool(select.select([], [connection], [], 0)[1])


def kill_hung(connection: socket.socket) -> bool:
    """Kill the process at the other end if it holds the daemon's lock; return whether it did.

    A daemon that has retired does not hold the lock and keeps no new relay waiting, so it lives on. Raises
    SettingsError when the process is another user's.
    """
    if not is_loopback(connection):
        check_peer(connection)
    pid = peer_pid(connection)
    if pid != lock_holder(runtime_folder()):
        return False
    if sys.platform == "win32":
        os.kill(pid, signal.SIGTERM)  # ends a process there as SIGKILL does elsewhere
    else:
        os.kill(pid, signal.SIGKILL)
    return True
