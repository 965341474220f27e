"""The folder in which the relays and the daemon of one user meet, and the checks that nobody else is there.

Whoever may connect to the daemon reads the user's code and writes into the user's editor. So the folder is the user's
alone (0700), the socket too (0600), neither may be a link, and each side asks the kernel whose process the other is.
"""

import os
import socket
import stat
import struct
import sys
from pathlib import Path

from midspan import SettingsError

SOCKET = "daemon.sock"
LOCK = "daemon.lock"  # held by the daemon that listens, with its process written in it
# The kernels' limit for the address of a socket, 0 at its end included: macOS has the smaller one.
_MAX_ADDRESS_BYTES = 104
_LONGEST_NAME = f"{SOCKET}.new"


def runtime_folder() -> Path:
    """`midspan` in XDG_RUNTIME_DIR, or `midspan-UID` where temporary files are; made when it is missing.

    Raises SettingsError when it is not the user's alone.
    """
    folder = _place()
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be made ({error.strerror}). {_ADVICE}") from error
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise SettingsError(f"{folder} is not a folder. Remove it. {_ADVICE}")
    _refuse_others(folder, found, "700")
    return folder


_ADVICE = "Or serve without a daemon: midspan serve --standalone"


def _place() -> Path:
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(given) and len(os.fsencode(f"{given}/midspan/{_LONGEST_NAME}")) < _MAX_ADDRESS_BYTES:
        try:
            if os.stat(given).st_uid == os.getuid():  # under sudo it is still the caller's
                return Path(given, "midspan")
        except OSError:
            pass  # a login without a session: the variable is set and the folder is not there
    folder = Path(os.environ.get("TMPDIR") or "/tmp", f"midspan-{os.getuid()}")
    if len(os.fsencode(folder / _LONGEST_NAME)) >= _MAX_ADDRESS_BYTES:
        raise SettingsError(f"{folder} is too long a path for a socket. Set TMPDIR to a shorter one. {_ADVICE}")
    return folder


def check_socket(path: Path) -> bool:
    """Whether there is a socket. Raises SettingsError when something else is there, or others could reach it."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISSOCK(found.st_mode):
        raise SettingsError(f"{path} is not a socket, so nothing is sent there. Remove it. {_ADVICE}")
    _refuse_others(path, found, "600")
    return True


def _refuse_others(path: Path, found: os.stat_result, mode: str) -> None:
    if found.st_uid != os.getuid():
        raise SettingsError(f"{path} belongs to another user, so it is not used. Remove it. {_ADVICE}")
    if found.st_mode & 0o077:
        raise SettingsError(f"{path} is open to other users. Run: chmod {mode} {path}. {_ADVICE}")


def check_peer(connection: socket.socket) -> None:
    """Raises SettingsError when the process at the other end is not this user's."""
    uid = _peer_uid(connection)
    if uid != os.getuid():
        raise SettingsError(f"A process of user {uid} is at the other end of Midspan's socket. It is refused.")


def peer_pid(connection: socket.socket) -> int:
    """The process at the other end."""
    if sys.platform == "linux":
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", credentials)[0])
    return connection.getsockopt(0, 2)  # LOCAL_PEERPID of macOS


def _peer_uid(connection: socket.socket) -> int:
    if sys.platform == "linux":
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", credentials)[1])
    # LOCAL_PEERCRED of macOS and the BSDs, which getpeereid(3) reads: struct xucred {version, uid, ...}
    return int(struct.unpack_from("2I", connection.getsockopt(0, 1, 128))[1])
