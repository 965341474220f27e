"""The daemon's process: leaves the relay that started it, takes its place in the runtime folder, and serves.

It listens before it imports what is heavy, so the first relay connects at once. `daemon.lock` is held as long as it
listens, and the kernel lets go of it however the process ends: whoever holds it may replace a socket that was left.
"""

import fcntl
import os
import socket
import sys
from pathlib import Path

from lsp_server.relay.runtime_folder import LOCK, SOCKET, runtime_folder
from lsp_server.server.engines import IdleTimes, StartEngine
from lsp_server.server.release_memory import use_one_arena
from lsp_server.server.start_engine import start_engine
from midspan import MidspanError

_WAITING_RELAYS = 128


def run_daemon(start_engine: StartEngine, times: IdleTimes) -> None:
    """Becomes the daemon; the caller's process ends. Says on stdout what is wrong, and closes it once it listens."""
    if os.fork():  # an editor that ends its children, and theirs, must not end the daemon
        os._exit(0)
    os.umask(0o077)
    try:
        folder = runtime_folder()
        lock = take_place(folder)
        if lock is None:
            os._exit(0)  # another one has just been started
        listener = _listen(folder)
    except (MidspanError, OSError) as error:
        print(error, flush=True)
        os._exit(1)
    use_one_arena()
    os.dup2(2, 1)  # the relay reads the end of the file; whoever prints prints to the log

    from lsp_server.daemon.daemon import Daemon

    Daemon(folder, listener, lock, start_engine, times).run()
    sys.stderr.flush()
    # The interpreter would wait for a load of torch that is under way, and may crash in it.
    os._exit(0)


def take_place(folder: Path) -> int | None:
    """The descriptor that holds the daemon's lock of this folder; None when another process does."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, b"%d" % os.getpid())
    return descriptor


def _listen(folder: Path) -> socket.socket:
    """The socket is put in its place when it is ready, so a relay finds one that listens or none."""
    path = folder / f"{SOCKET}.new"
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(_WAITING_RELAYS)
    path.rename(folder / SOCKET)
    return listener


if __name__ == "__main__":
    run_daemon(start_engine, IdleTimes())
