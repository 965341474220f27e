"""A test's own runtime folder, and the daemons in it."""

import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from lsp_server.relay import handshake
from lsp_server.relay.door import lock_holder
from lsp_server.relay.hung_daemon import PATIENCE_S
from lsp_server.relay.launch import ask
from lsp_server.relay.runtime_folder import SOCKET, user_folders_mark
from midspan import __version__
from tests.lsp_server.client import WAIT_S, Stdio, stdio_server

ROOT = Path(__file__).parents[2]
RELAY = Path(__file__).parent / "serve_fake_daemon.py"
USER_FOLDERS = tuple(f"XDG_{kind}_HOME" for kind in ("CONFIG", "DATA", "STATE", "CACHE"))
A, B = "file:///project/a.py", "file:///project/b.py"


class Place:
    """`base` is XDG_RUNTIME_DIR, `folder` Midspan's in it with the user folders that are set now."""

    def __init__(self, base: Path) -> None:
        self.base = base

    @property
    def folder(self) -> Path:
        return self.base / f"midspan-{user_folders_mark()}"

    @property
    def socket(self) -> Path:
        return self.folder / SOCKET

    def relay(
        self,
        *,
        unload_after_s: float = 1000,
        leave_after_s: float = 1000,
        log_file: Path | None = None,
        patience_s: float = PATIENCE_S,
    ) -> AbstractAsyncContextManager[Stdio]:
        arguments = [str(unload_after_s), str(leave_after_s), str(log_file or ""), str(patience_s)]
        return stdio_server(RELAY, *arguments)

    def daemon_status(self) -> dict[str, Any]:
        """Return the daemon's status; {} when there is no daemon, or it dies while it is asked."""
        try:
            return daemon_status()
        except Exception:  # a test that kills daemons asks at any moment
            return {}

    def shake_hands(self, **changes: object) -> dict[str, object]:
        """Return the daemon's answer to a relay's line of the handshake with these changes."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(WAIT_S)
            connection.connect(str(self.socket))
            connection.sendall(handshake.encode({"version": __version__, "wants": "serve", **changes}))
            answer: dict[str, object] = json.loads(connection.makefile().readline() or "{}")
            return answer

    def processes(self) -> list[psutil.Process]:
        """Return the daemons of this place that run, whether they listen or not."""
        found = {}
        for process in psutil.process_iter():
            try:
                command = process.cmdline()
                alive = process.status() != psutil.STATUS_ZOMBIE
                parent = process.ppid()
            except psutil.Error:
                continue
            if "--daemon" in command and str(self.base) in command and alive:
                found[process] = parent
        # A child that a daemon starts has the daemon's command line until it runs its own program.
        daemons = {process.pid for process in found}
        return [process for process, parent in found.items() if parent not in daemons]


def daemon_status() -> dict[str, Any]:
    """Return the status of the daemon in the runtime folder; {} when there is no daemon to ask."""
    answered = ask(handshake.request_line("status"))
    if answered is None:
        return {}
    answered[0].close()
    return answered[1]


def is_at_rest(status: dict[str, Any]) -> bool:
    """Return whether, by a session's status, no request is left and all pages are back; that is a moment later."""
    requests = sum(int(status[name]) for name in ("running_requests", "live_requests", "waiting_requests"))
    return requests == 0 and status["pages_free"] + status["pages_cached"] == status["pages_total"]


def kill_daemons(base: Path) -> None:
    """Kill the daemons in this XDG_RUNTIME_DIR, whatever user folders they go by."""
    for folder in base.glob("midspan-*"):
        if pid := lock_holder(folder):
            with suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()


def in_these_user_folders(*command: str | Path) -> list[str | Path]:
    """Return the command with the user folders of this process, whatever folders the program that runs it has."""
    return ["env", *(f"{name}={os.environ[name]}" for name in USER_FOLDERS), *command]


async def text_in(editor: Stdio, uri: str = A) -> str:
    """Return the text of an editor's document as the daemon has it."""
    return str((await editor.request("midspan/document", {"textDocument": {"uri": uri}}))["text"])


async def leave(editor: Stdio) -> int:
    """End an editor's session, and return the relay's exit code."""
    await editor.request("shutdown")
    await editor.notify("exit")
    return await editor.exit_code()


@contextmanager
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Make a place for one test, and kill its daemons after it. Its path is short, as a socket's address must be."""
    base = Path(tempfile.mkdtemp(prefix="mid"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(base))
    monkeypatch.setenv("XDG_STATE_HOME", str(base / "state"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    here = Place(base)
    try:
        yield here
    finally:
        killed = here.processes()
        for process in killed:
            process.kill()
        kill_daemons(base)
        psutil.wait_procs(killed, WAIT_S)
        shutil.rmtree(base, ignore_errors=True)  # an indexer that ends with its daemon may still write
