"""The door of the daemon: the socket on which it listens, at a path of the runtime folder.

It is a Unix socket, which only the user's processes reach. Windows has none in Python: there the daemon listens on a
port of the loopback address, and the path holds a file of the user alone with the port, the daemon's process and a
token. A client has to send the token first. The port in the file is the daemon's as long as its process holds the lock.
"""

import json
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from lsp_server.relay.lock_file import open_lock_file, try_lock
from lsp_server.relay.runtime_folder import (
    LOCK,
    SOCKET,
    check_door,
    check_folder,
    check_peer,
    credentials_pid,
    runtime_folder,
)
from midspan import SettingsError
from midspan.file_flags import OWN_FILE

USES_LOOPBACK = sys.platform == "win32"
_HOST = "127.0.0.1"
_MAX_PENDING_CONNECTIONS = 128
_TOKEN_BYTES = 32


class LoopbackDoor(NamedTuple):
    """The content of the file of a loopback door."""

    port: int
    token: str
    pid: int


def listen(folder: Path) -> tuple[socket.socket, str]:
    """Return a socket that listens, and the token that a client has to send ("" at a Unix socket).

    The door gets its name last, so a relay finds a socket that listens or no door.
    """
    new = folder / f"{SOCKET}.new"
    new.unlink(missing_ok=True)
    if USES_LOOPBACK:
        import secrets  # here and below, what only a daemon needs: the relay starts at once

        listener = socket.create_server((_HOST, 0), backlog=_MAX_PENDING_CONNECTIONS)
        token = secrets.token_hex(_TOKEN_BYTES)
        door = LoopbackDoor(listener.getsockname()[1], token, os.getpid())
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | OWN_FILE, 0o600), "w") as file:
            json.dump(door._asdict(), file)
    else:
        listener, token = _listen_at_path(new), ""
    new.replace(folder / SOCKET)
    return listener, token


def connect(folder: Path) -> socket.socket | None:
    """Connect to the daemon; None when none runs. Raises SettingsError when door or daemon is another user's."""
    if not check_door(folder / SOCKET, is_socket=not USES_LOOPBACK):
        return None
    if USES_LOOPBACK:
        return _connect_loopback(folder)
    connection = _unix_socket()
    try:
        connection.connect(str(folder / SOCKET))
        check_peer(connection)
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except BaseException:
        connection.close()
        raise
    return connection


def is_loopback(connection: socket.socket) -> bool:
    """Return whether the connection leads to a loopback door."""
    return connection.family == socket.AF_INET


def check_token(line: bytes, token: str) -> None:
    """Raise SettingsError when a client's first line is not the token."""
    import hmac

    if not hmac.compare_digest(line.strip(), token.encode()):
        raise SettingsError("A process that does not know the token of Midspan's port is refused.")


def peer_pid(connection: socket.socket) -> int:
    """Return the id of the daemon's process at the other end. Raises OSError when the daemon has left its door."""
    if not is_loopback(connection):
        return credentials_pid(connection)
    door = _read_door(runtime_folder())
    if door is None or door.port != connection.getpeername()[1]:
        raise ConnectionResetError("it has left its port")
    return door.pid


def lock_holder(folder: Path) -> int | None:
    """Return the id of the process that holds the daemon's lock; None when the lock is free."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | OWN_FILE)
    except OSError:
        return None
    try:
        if try_lock(descriptor):
            return None
        written = os.read(descriptor, 32)
        return int(written) if written.isdigit() else None
    finally:
        os.close(descriptor)


def other_daemons(folder: Path) -> list[int]:
    """Return the ids of the user's daemons beside this runtime folder, which go by other folders of the user."""
    found = []
    for other in folder.parent.glob(f"{folder.name.rpartition('-')[0]}-*"):
        with suppress(SettingsError, OSError):
            check_folder(other)
            if other != folder and (pid := lock_holder(other)):
                found.append(pid)
    return found


def take_lock(folder: Path) -> int | None:
    """Return a descriptor that holds the lock of the daemon's place; None when another process holds it."""
    descriptor = open_lock_file(folder / LOCK)
    if not try_lock(descriptor):
        os.close(descriptor)
        return None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, b"%d" % os.getpid())
    return descriptor


def has_place(folder: Path, lock: int) -> bool:
    """Return whether clients still reach the daemon that holds this lock: its folder and door may be gone."""
    try:
        return os.path.samestat(os.fstat(lock), os.stat(folder / LOCK)) and (folder / SOCKET).exists()
    except OSError:
        return False


def _connect_loopback(folder: Path) -> socket.socket | None:
    door = _read_door(folder)
    if door is None or door.pid != lock_holder(folder):  # a daemon that was killed: its port may be anybody's by now
        return None
    try:
        connection = socket.create_connection((_HOST, door.port))
    except ConnectionRefusedError:
        return None
    connection.sendall(door.token.encode() + b"\n")
    return connection


def _read_door(folder: Path) -> LoopbackDoor | None:
    try:
        found = json.loads((folder / SOCKET).read_text(encoding="utf-8"))
        return LoopbackDoor(int(found["port"]), str(found["token"]), int(found["pid"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


if sys.platform == "win32":

    def _unix_socket() -> socket.socket:
        raise OSError("Python has no Unix sockets on Windows")

else:

    def _unix_socket() -> socket.socket:
        return socket.socket(socket.AF_UNIX)


def _listen_at_path(path: Path) -> socket.socket:
    listener = _unix_socket()
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(_MAX_PENDING_CONNECTIONS)
    return listener
