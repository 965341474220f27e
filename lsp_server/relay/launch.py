"""Connects to the daemon, and starts a daemon when there is none."""

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsp_server.relay import handshake
from lsp_server.relay.door import connect as connect_to_door
from lsp_server.relay.door import peer_pid
from lsp_server.relay.hung_daemon import kill_hung
from lsp_server.relay.lock_file import open_lock_file, wait_for_lock
from lsp_server.relay.runtime_folder import runtime_folder
from midspan import MidspanError

if TYPE_CHECKING:
    import subprocess

_CODE = Path(__file__).parents[2]
# -P: the working directory of an editor may hold a module of any name, which must not be imported.
DAEMON_COMMAND = (sys.executable, "-P", "-m", "lsp_server.daemon.daemon_process")
# A busy machine takes seconds to import what the daemon needs; only a daemon that cannot start takes this long.
_PATIENCE_S = 60.0
_LEAST_ATTEMPTS = 5
# A relay that another one keeps waiting this long starts a daemon too, and one of the daemons gets the place.
_MOST_WAIT_S = 5.0


class NoDaemonError(MidspanError):
    """The daemon does not start, or ends before it has answered."""


def connect(
    request_line: bytes,
    command: Sequence[str] = DAEMON_COMMAND,
    still_wanted: Callable[[], bool] = lambda: True,
    patience_s: float = _PATIENCE_S,
) -> tuple[socket.socket, dict[str, Any]]:
    """Connect to the daemon, and return the connection and the daemon's line of the handshake.

    Starts a daemon with `command` when there is none, or when the daemon does not answer within `patience_s` and is
    killed. Raises MidspanError with the reason when no daemon answers, and NoDaemonError also when `still_wanted`
    returns False.
    """
    deadline = time.monotonic() + _PATIENCE_S
    attempts = 0
    while still_wanted():
        folder = runtime_folder()  # another one when XDG_RUNTIME_DIR was removed, or made again, meanwhile
        try:
            if connection := connect_to_door(folder):
                answer = _shake_hands(connection, request_line, patience_s, kills_hung=True)
            else:
                connection = _start_and_connect(folder, command)
                answer = _shake_hands(connection, request_line)
            if not answer.get("retired"):
                return connection, answer
        except OSError as error:  # the daemon died, or retired, during the handshake
            attempts += 1
            if attempts >= _LEAST_ATTEMPTS and time.monotonic() > deadline:
                raise NoDaemonError(f"The daemon does not answer ({error}). `midspan daemon logs` says why.") from error
            time.sleep(min(0.02 * 2**attempts, 1))
    raise NoDaemonError("The editor has ended, so no daemon is needed.")


def ask(request_line: bytes, patience_s: float = _PATIENCE_S) -> tuple[socket.socket, dict[str, Any]] | None:
    """Return the connection and the daemon's line; None when no daemon runs.

    Raises MidspanError when the daemon does not answer within `patience_s`, or is not this user's.
    """
    connection = connect_to_door(runtime_folder())
    if connection is None:
        return None
    pid = peer_pid(connection)
    try:
        return connection, _shake_hands(connection, request_line, patience_s)
    except OSError as error:
        raise NoDaemonError(f"The daemon does not answer ({error}). To end it: kill -9 {pid}") from error


def _shake_hands(
    connection: socket.socket, request_line: bytes, patience_s: float = _PATIENCE_S, *, kills_hung: bool = False
) -> dict[str, Any]:
    """Return the daemon's line. Raises OSError or HandshakeError.

    Closes the connection when it raises, and when the daemon answers that it is retired.
    """
    try:
        connection.settimeout(patience_s)
        connection.sendall(request_line)
        answer = b""
        while not answer.endswith(b"\n"):  # the daemon sends no more until the relay does
            data = connection.recv(handshake.MAX_LINE_BYTES)
            if not data:
                raise ConnectionResetError("it closed the connection")
            answer += data
        connection.settimeout(None)
        message = handshake.decode(answer)
    except TimeoutError:
        if kills_hung:
            kill_hung(connection)
        connection.close()
        raise
    except BaseException:
        connection.close()
        raise
    if message.get("retired"):
        connection.close()
    return message


def _start_and_connect(folder: Path, command: Sequence[str]) -> socket.socket:
    """Connect to a daemon that this relay starts, or that another relay has just started."""
    with _locked(folder / "start.lock"):
        if connection := connect_to_door(folder):
            return connection
        _start_daemon(command)
        if connection := connect_to_door(folder):
            return connection
    raise ConnectionRefusedError("it has started and does not listen")


@contextmanager
def _locked(lock: Path) -> Iterator[None]:
    descriptor = open_lock_file(lock)
    try:
        wait_for_lock(descriptor, _MOST_WAIT_S)
        yield
    finally:
        os.close(descriptor)


def _start_daemon(command: Sequence[str]) -> None:
    """Return when the daemon listens. Raises OSError or NoDaemonError when it does not start."""
    import subprocess  # its import takes as long as all others together, and few relays need it

    from lsp_server.relay.daemon_log import open_daemon_log

    flags = 0
    if sys.platform == "win32":  # the end of the editor's console must not end the daemon
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
    path = [str(_CODE), os.environ.get("PYTHONPATH", "")]
    environment = handshake.without_keys(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))  # the relay's own code
    with open_daemon_log() as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=_CODE.anchor,
            env=environment,
            start_new_session=True,  # the signals of the editor's terminal must not reach the daemon
            creationflags=flags,
        )
    try:
        output, code = _wait_until_it_listens(process)
    except subprocess.TimeoutExpired as error:
        process.kill()
        raise NoDaemonError("The daemon does not start. `midspan daemon logs` says why.") from error
    reason = output.decode(errors="replace").strip()
    if reason or code > 0:
        raise NoDaemonError(reason or "The daemon does not start. `midspan daemon logs` says why.")


def _wait_until_it_listens(process: "subprocess.Popen[bytes]") -> tuple[bytes, int]:
    """Return what the process prints until it closes stdout, which the daemon does once it listens, and its exit code.

    The process ends then, but on Windows, where it is the daemon. Raises subprocess.TimeoutExpired.
    """
    if sys.platform != "win32":
        output, _ = process.communicate(timeout=_PATIENCE_S)
        return output, process.returncode
    import threading

    assert process.stdout is not None
    patience = threading.Timer(_PATIENCE_S, process.kill)  # ends the reading too
    patience.start()
    with process.stdout:
        output = process.stdout.read()
    patience.cancel()
    return output, process.poll() or 0
