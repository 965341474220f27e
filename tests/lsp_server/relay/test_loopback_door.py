"""The door of Windows, tried here: a relay and a daemon over a port of the loopback address, with a token."""

import json
import signal
import socket
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from lsp_server.relay import door, handshake
from lsp_server.relay.launch import ask
from lsp_server.relay.runtime_folder import runtime_folder
from midspan import SettingsError, __version__
from tests.lsp_server.client import URI, Stdio, stdio_server
from tests.lsp_server.daemons import daemon_status, leave

SCRIPT = Path(__file__).parents[1] / "serve_over_loopback.py"
PATIENCE_S = 1.0  # a healthy daemon of a busy machine answers a ping within it


@pytest.fixture(autouse=True)
def loopback(monkeypatch, here):
    monkeypatch.setattr(door, "USES_LOOPBACK", True)


def relay(patience_s: float = 1000) -> AbstractAsyncContextManager[Stdio]:
    return stdio_server(SCRIPT, "1000", "1000", "", str(patience_s))


def door_file(here) -> dict[str, object]:
    return dict(json.loads((here.folder / "daemon.sock").read_text()))


async def test_two_editors_complete_through_one_daemon_whose_door_is_the_users_alone(here):
    async with relay() as one, relay() as other:
        for editor in (one, other):
            await editor.initialize()
            await editor.open("x = \n")
            assert await editor.complete(0, 4) == "hello()"
        (daemon,) = here.processes()
        assert (daemon_status()["pid"], daemon_status()["sessions"]) == (daemon.pid, 2)
        found = door_file(here)
        assert found["pid"] == daemon.pid
        listening = [each.laddr for each in daemon.net_connections("tcp") if each.status == "LISTEN"]
        assert listening == [("127.0.0.1", found["port"])]
        assert (here.folder / "daemon.sock").stat().st_mode & 0o777 == 0o600
        assert [await leave(one), await leave(other)] == [0, 0]


async def test_a_client_without_the_token_is_told_nothing(here):
    async with relay() as editor:
        await editor.initialize()
        found = door_file(here)
        for first in (b"", b"0" * 64 + b"\n", str(found["token"])[:-1].encode() + b"\n"):
            with socket.create_connection(("127.0.0.1", int(str(found["port"])))) as stranger:
                stranger.settimeout(60)
                stranger.sendall(first + handshake.encode({"version": __version__, "wants": "status"}))
                assert stranger.recv(1) == b""
        assert daemon_status()["sessions"] == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_daemon_that_dies_or_hangs_is_replaced_and_no_text_is_lost(here, number):
    async with relay(PATIENCE_S) as editor:
        await editor.initialize()
        await editor.open("x = \n")
        await editor.change((0, 0), (0, 1), "width")
        await editor.request("midspan/status")
        (before,) = here.processes()
        before.send_signal(number)
        await editor.complete(0, 8)
        assert await editor.complete(0, 8) == "hello()"
        found = await editor.request("midspan/document", {"textDocument": {"uri": URI}})
        assert found["text"] == "width = \n"
        assert door_file(here)["pid"] != before.pid


def test_the_port_of_a_daemon_that_was_killed_gets_no_token(here):
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        content = {"port": stranger.getsockname()[1], "token": "secret", "pid": 1}
        (runtime_folder() / "daemon.sock").write_text(json.dumps(content))
        (here.folder / "daemon.sock").chmod(0o600)
        assert ask(handshake.request_line("status")) is None
        stranger.settimeout(0.1)
        with pytest.raises(TimeoutError):
            stranger.accept()


@pytest.mark.parametrize("spoil", [lambda path: path.chmod(0o644), lambda path: (path.unlink(), path.mkdir(0o700))])
def test_a_door_that_others_can_read_or_that_is_no_file_is_refused(here, spoil):
    path = runtime_folder() / "daemon.sock"
    path.write_text("{}")
    spoil(path)
    with pytest.raises(SettingsError, match=r"open to other users|is not a file"):
        ask(handshake.request_line("status"))
