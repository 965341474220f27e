"""The daemon's process: it detaches from the relay that started it, takes the daemon's place, and serves.

It listens before it imports heavy modules, so the first relay connects at once. It holds `daemon.lock` as long as it
listens. The kernel releases the lock when the process ends in any way, so the holder of the lock may replace the socket
that a killed daemon has left.
"""

import os
import sys
from importlib import import_module

from inference.heap import paused_garbage_collection, use_one_arena
from inference.speed.import_torch import open_library
from inference.speed.starts_path import starts_path
from lsp_server.relay.door import listen, take_lock
from lsp_server.relay.runtime_folder import runtime_folder
from lsp_server.server.engines import IdleTimes, StartEngine
from lsp_server.server.start_engine import start_engine
from midspan import MidspanError

# The engine's thread releases the interpreter in each operation. To get it back from a thread that builds a prompt took
# 5 ms each time, and a step has many operations.
_SWITCH_SECONDS = 0.0005
# They open all libraries that the server needs. The system opens one at a time, and torch's takes 0.15 s.
_OPEN_LIBRARIES = ("context.index.indexer_process", "attrs", "statistics", "pickle", "uuid")


def run_daemon(start_engine: StartEngine, times: IdleTimes) -> None:
    """Become the daemon, and end the caller's process.

    The daemon closes stdout once it listens; if it cannot, it prints there why.
    """
    # An editor that kills its child processes and theirs must not kill the daemon.
    if sys.platform != "win32" and os.fork():
        os._exit(0)
    os.umask(0o077)
    try:
        folder = runtime_folder()
        lock = take_lock(folder)
        if lock is None:
            os._exit(0)  # another daemon has just started
        listener, token = listen(folder)
    except (MidspanError, OSError) as error:
        print(error, flush=True)
        os._exit(1)
    use_one_arena()
    sys.setswitchinterval(_SWITCH_SECONDS)
    os.dup2(2, 1)  # the relay reads the end of stdout; later prints go to the log

    with paused_garbage_collection():  # an editor waits for what is imported now, and none of it is garbage
        for name in _OPEN_LIBRARIES:
            import_module(name)
        if starts_path().is_file():  # local models run here, and an editor is about to load one
            open_library()  # on the second core, while this thread imports the server
        from lsp_server.rpc.protocol_types import import_protocol_types

        import_protocol_types()
        from lsp_server.daemon.daemon import Daemon

    Daemon(folder, listener, token, lock, start_engine, times).run()
    sys.stderr.flush()
    # A normal exit would wait for an import of torch that is under way, and may crash in it.
    os._exit(0)


if __name__ == "__main__":
    run_daemon(start_engine, IdleTimes())
