"""The check of the daemon: its folder, its socket, and what a daemon that was killed has left."""

import os
from pathlib import Path
from typing import Any

from lsp_server.cli.checks.finding import Finding
from lsp_server.cli.output.status_words import other_daemon_in_words
from lsp_server.relay import handshake
from midspan import MidspanError, __version__

_SUBJECT = "daemon"


def check_daemon() -> list[Finding]:
    """Check the daemon's folder and socket, and the version of a daemon that runs; name daemons of other folders."""
    from lsp_server.relay.door import other_daemons
    from lsp_server.relay.launch import ask
    from lsp_server.relay.runtime_folder import SOCKET, runtime_folder

    try:
        folder = runtime_folder()
        answered = ask(handshake.request_line("status"))
    except MidspanError as error:  # its message says what to do
        return [Finding(_SUBJECT, str(error), is_wrong=True)]
    others = [Finding(_SUBJECT, other_daemon_in_words(pid)) for pid in other_daemons(folder)]
    if answered is None:
        return [_check_absent(folder, folder / SOCKET), *others]
    answered[0].close()
    return [_check_running(answered[1]), *others]


def _check_running(status: dict[str, Any]) -> Finding:
    what = f"The daemon runs as process {status['pid']}, version {status['version']}, for {status['sessions']} editors."
    if status["version"] == __version__:
        return Finding(_SUBJECT, what)
    leave = "The daemon ends with its last editor; to end it at once: midspan daemon stop"
    return Finding(_SUBJECT, f"{what} This is version {__version__}.", fix=leave)


def _check_absent(folder: Path, socket_file: Path) -> Finding:
    from lsp_server.relay.door import lock_holder, take_lock

    lock = take_lock(folder)
    if lock is None:
        holder = lock_holder(folder)
        what = f"A process ({holder or 'unknown'}) holds the daemon's lock in {folder} and does not listen."
        fix = f"Wait a moment if it has just started; else end it: kill {holder}" if holder else "End that process."
        return Finding(_SUBJECT, what, is_wrong=True, fix=fix)
    os.close(lock)
    if not socket_file.exists():
        return Finding(_SUBJECT, "The daemon does not run. An editor starts it, or: midspan daemon start")

    def remove() -> str:
        mine = take_lock(folder)
        if mine is None:
            return "Nothing was mended: a daemon has been started meanwhile."
        try:
            socket_file.unlink(missing_ok=True)
        finally:
            os.close(mine)
        return f"{socket_file} is removed."

    what = f"A daemon that was killed has left {socket_file}."
    return Finding(
        _SUBJECT, what, is_wrong=True, fix="The next editor replaces it; or: midspan doctor --fix", mend=remove
    )
