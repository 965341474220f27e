"""The runtime folder: it holds the daemon's socket and lock, and only this user's processes may use them.

A process that connects to the daemon can read the user's code and write into the user's editor. So the folder is the
user's alone (0700), the socket too (0600), neither may be a link, and each side asks the kernel whose process the other
side is.

A daemon goes by the folders of settings, models, state and caches of the editor that started it. So each set of these
folders has a runtime folder of its own, and an editor that runs with others gets a daemon of its own.
"""

import os
import socket
import stat
import struct
import sys
import zlib
from pathlib import Path

import platformdirs

from midspan import SettingsError

SOCKET = "daemon.sock"  # the door (door.py)
LOCK = "daemon.lock"  # held by the daemon that listens; contains its process id
# The size of sun_path with its final 0: macOS allows less than Linux.
_MAX_ADDRESS_BYTES = 104
_LONGEST_NAME = f"{SOCKET}.new"


def runtime_folder() -> Path:
    """Return `midspan-MARK` in XDG_RUNTIME_DIR, or else `midspan-UID-MARK` in the folder for temporary files.

    MARK is `user_folders_mark`. Creates the folder if it is missing. Raises SettingsError when the folder is not the
    user's alone.
    """
    folder = _folder_path()
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be created ({error.strerror}). {_ADVICE}") from error
    check_folder(folder)
    return folder


def check_folder(folder: Path) -> None:
    """Raise SettingsError when the runtime folder is no folder, or not the user's alone."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise SettingsError(f"{folder} is not a folder. Remove it. {_ADVICE}")
    _refuse_others(folder, found, "700")


def user_folders_mark() -> str:
    """Return eight hexadecimal digits for the user's folders of settings, models, state and caches."""
    folders = (
        platformdirs.user_config_path(),
        platformdirs.user_data_path(),
        platformdirs.user_state_path(),
        platformdirs.user_cache_path(),
    )
    root = Path(sys.executable).anchor  # the daemon's current folder, from which it reads a relative path
    names = b"\0".join(os.fsencode(os.path.realpath(Path(root, folder))) for folder in folders)
    return f"{zlib.crc32(names):08x}"


_ADVICE = "Or serve without a daemon: midspan serve --standalone"


def _folder_path() -> Path:
    mark = user_folders_mark()
    if sys.platform == "win32":  # in the user's profile, which other users cannot read
        profile = os.environ.get("LOCALAPPDATA")
        if not profile:
            raise SettingsError(f"The variable LOCALAPPDATA names no folder. {_ADVICE}")
        return Path(profile, f"midspan-run-{mark}")
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(given) and len(os.fsencode(f"{given}/midspan-{mark}/{_LONGEST_NAME}")) < _MAX_ADDRESS_BYTES:
        try:
            if os.stat(given).st_uid == os.getuid():  # under sudo the variable still names the caller's folder
                return Path(given, f"midspan-{mark}")
        except OSError:
            pass  # a login without a session sets the variable and has no folder
    folder = Path(os.environ.get("TMPDIR") or "/tmp", f"midspan-{os.getuid()}-{mark}")
    if len(os.fsencode(folder / _LONGEST_NAME)) >= _MAX_ADDRESS_BYTES:
        raise SettingsError(f"{folder} is too long for the path of a socket. Set TMPDIR to a shorter one. {_ADVICE}")
    return folder


def check_door(path: Path, *, is_socket: bool) -> bool:
    """Return whether the door exists.

    Raises SettingsError when it is not a socket, or not a file, as it should be, or others could reach it.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    if not (stat.S_ISSOCK if is_socket else stat.S_ISREG)(found.st_mode):
        wanted = "socket" if is_socket else "file"
        raise SettingsError(f"{path} is not a {wanted}, so Midspan does not connect to it. Remove it. {_ADVICE}")
    _refuse_others(path, found, "600")
    return True


def _refuse_others(path: Path, found: os.stat_result, mode: str) -> None:
    if sys.platform == "win32":
        return
    if found.st_uid != os.getuid():
        raise SettingsError(f"{path} belongs to another user, so Midspan does not use it. Remove it. {_ADVICE}")
    if found.st_mode & 0o077:
        raise SettingsError(f"{path} is open to other users. Run: chmod {mode} {path}. {_ADVICE}")


def check_peer(connection: socket.socket) -> None:
    """Raise SettingsError when the process at the other end is not this user's."""
    if sys.platform == "win32":
        return  # the token of the door tells it
    uid = _peer_uid(connection)
    if uid != os.getuid():
        raise SettingsError(
            f"The process at the other end of Midspan's socket belongs to user {uid}, so Midspan refuses it."
        )


def credentials_pid(connection: socket.socket) -> int:
    """Return the id of the process at the other end of a Unix socket."""
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
