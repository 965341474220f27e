"""The way to the daemon: connects to it, and starts it when there is none."""

import fcntl
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lsp_server.relay import handshake
from lsp_server.relay.hung_daemon import end_hung
from lsp_server.relay.runtime_folder import SOCKET, check_peer, check_socket, peer_pid, runtime_folder
from midspan import MidspanError

_CODE = Path(__file__).parents[2]
# -P: the working directory of an editor may hold a module of any name, which must not be imported.
DAEMON_COMMAND = (sys.executable, "-P", "-m", "lsp_server.daemon.daemon_process")
# A busy machine takes seconds to import what the daemon needs. Only a daemon that cannot start takes all of it.
_PATIENCE_S = 60.0
_LEAST_ATTEMPTS = 5


class NoDaemonError(MidspanError):
    """The daemon does not start, or is gone before it has said anything."""


def connect(
    greeting: bytes,
    command: Sequence[str] = DAEMON_COMMAND,
    still_wanted: Callable[[], bool] = lambda: True,
    patience_s: float = _PATIENCE_S,
) -> tuple[socket.socket, dict[str, Any]]:
    """A connection to the daemon, started when there is none or it does not answer, and its answer to the greeting.

    `patience_s` is how long one that was there already may take to answer before it is ended.
    Raises MidspanError with the reason when there is no way, NoDaemonError also once it is not wanted any more.
    """
    folder = runtime_folder()
    deadline = time.monotonic() + _PATIENCE_S
    attempts = 0
    while still_wanted():
        try:
            if connection := _connection(folder):
                answer = _greet(connection, greeting, patience_s, ends_hung=True)
            else:
                connection = _started(folder, command)
                answer = _greet(connection, greeting)
            if not answer.get("retired"):
                return connection, answer
        except OSError as error:  # it died, or left, while it was spoken to
            attempts += 1
            if attempts >= _LEAST_ATTEMPTS and time.monotonic() > deadline:
                raise NoDaemonError(f"The daemon does not answer ({error}). `midspan daemon logs` says why.") from error
            time.sleep(min(0.02 * 2**attempts, 1))
    raise NoDaemonError("The daemon is not wanted any more.")


def ask(greeting: bytes) -> tuple[socket.socket, dict[str, Any]] | None:
    """The daemon's answer, when there is a daemon. Raises MidspanError when it may not be spoken to."""
    connection = _connection(runtime_folder())
    if connection is None:
        return None
    pid = peer_pid(connection)
    try:
        return connection, _greet(connection, greeting)
    except OSError as error:
        raise NoDaemonError(f"The daemon does not answer ({error}). To end it: kill -9 {pid}") from error


def _connection(folder: Path) -> socket.socket | None:
    """None when there is no daemon: no socket, or one that nobody listens at since its daemon was killed."""
    path = folder / SOCKET
    if not check_socket(path):
        return None
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(path))
        check_peer(connection)
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except BaseException:
        connection.close()
        raise
    return connection


def _greet(
    connection: socket.socket, greeting: bytes, patience_s: float = _PATIENCE_S, *, ends_hung: bool = False
) -> dict[str, Any]:
    """Closes the connection when it raises OSError or HandshakeError, or the daemon answers that it is retired."""
    try:
        connection.settimeout(patience_s)
        connection.sendall(greeting)
        answer = b""
        while not answer.endswith(b"\n"):  # nothing follows the line before the relay has spoken again
            data = connection.recv(handshake.MAX_LINE_BYTES)
            if not data:
                raise ConnectionResetError("it closed the connection")
            answer += data
        connection.settimeout(None)
        message = handshake.parse(answer)
    except TimeoutError:
        if ends_hung:
            end_hung(connection)
        connection.close()
        raise
    except BaseException:
        connection.close()
        raise
    if message.get("retired"):
        connection.close()
    return message


def _started(folder: Path, command: Sequence[str]) -> socket.socket:
    """A connection to a daemon that this relay, or another one just now, has started."""
    with _only_one(folder / "start.lock"):
        if connection := _connection(folder):
            return connection
        _start(command)
        if connection := _connection(folder):
            return connection
    raise ConnectionRefusedError("it was started, and is not there")


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _start(command: Sequence[str]) -> None:
    """Returns when the daemon listens. Raises OSError or NoDaemonError when it does not."""
    import subprocess  # takes as long to import as all the rest, and is seldom needed

    from lsp_server.relay.daemon_log import open_daemon_log

    path = [str(_CODE), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path))}  # the relay's own code
    with open_daemon_log() as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd="/",
            env=environment,
            start_new_session=True,  # the signals of the editor's terminal are not for it
        )
    try:
        said, _ = process.communicate(timeout=_PATIENCE_S)  # it closes stdout once it listens
    except subprocess.TimeoutExpired as error:
        process.kill()
        raise NoDaemonError("The daemon does not start. `midspan daemon logs` says why.") from error
    reason = said.decode(errors="replace").strip()
    if reason or process.returncode > 0:
        raise NoDaemonError(reason or "The daemon does not start. `midspan daemon logs` says why.")
