import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from lsp_server.relay import handshake
from lsp_server.rpc.frames import frame
from lsp_server.telemetry.log_setup import open_log
from midspan import __version__
from tests.lsp_server.client import WAIT_S, Stdio, until
from tests.lsp_server.daemons import Place, place

A, B = "file:///project/a.py", "file:///project/b.py"


@pytest.fixture
def here(monkeypatch):
    with place(monkeypatch) as found:
        yield found


async def text_in(editor: Stdio, uri: str = A) -> str:
    return str((await editor.request("midspan/document", {"textDocument": {"uri": uri}}))["text"])


async def leave(editor: Stdio) -> int:
    await editor.request("shutdown")
    await editor.notify("exit")
    return await editor.exit_code()


def shake_hands(here: Place, **changes: object) -> dict[str, object]:
    """Return the daemon's answer to a relay's line of the handshake with these changes."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(WAIT_S)
        connection.connect(str(here.socket))
        connection.sendall(handshake.encode({"version": __version__, "wants": "serve", **changes}))
        answer: dict[str, object] = json.loads(connection.makefile().readline() or "{}")
        return answer


async def test_a_session_through_the_relay_and_its_end(here):
    async with here.relay() as editor:
        await editor.initialize()
        await editor.open("x = \n")
        assert await editor.complete(0, 4) == "hello()"
        assert await leave(editor) == 0
    assert here.daemon_status()["sessions"] == 0


async def test_exit_without_shutdown_gives_1_and_so_does_the_end_of_stdin(here):
    async with here.relay() as one, here.relay() as other:
        await one.initialize()
        await one.notify("exit")
        assert await one.exit_code() == 1
        await other.initialize()
        other.close_stdin()
        assert await other.exit_code() == 1
    await until(lambda: here.daemon_status()["sessions"] == 0, "a session was left")


async def test_relays_that_start_at_once_start_one_daemon_which_has_one_model(here):
    async with here.relay() as one, here.relay() as two, here.relay() as three:
        await asyncio.gather(*(editor.initialize() for editor in (one, two, three)))
        await asyncio.gather(*(editor.open(f"{number} = ") for number, editor in enumerate((one, two, three))))
        assert await asyncio.gather(*(editor.complete(0, 4) for editor in (one, two, three))) == ["hello()"] * 3
        assert [await text_in(editor) for editor in (one, two, three)] == ["0 = ", "1 = ", "2 = "]
        assert len(here.processes()) == 1
        status = here.daemon_status()
        assert status["sessions"] == 3
        assert [model["sessions"] for model in status["models"]] == [3]


async def test_a_chat_has_a_model_of_its_own_in_the_daemon(here):
    async with here.relay() as one, here.relay() as other:
        await one.initialize(options={"chat": {"model": "/models/chat"}})
        await other.initialize()
        await one.open("x = ")
        question = {"messages": [{"role": "user", "content": "Why?"}], "partialResultToken": "t"}
        assert (await one.request("midspan/chat", question))["text"] == "hello()"
        pieces = [(await one.message())["params"]["value"]["text"] for _ in "hello()"]
        assert "".join(pieces) == "hello()"
        assert await one.complete(0, 4) == "hello()"
        assert sorted(model["sessions"] for model in here.daemon_status()["models"]) == [1, 2]


async def test_editors_in_one_folder_share_its_index(here, tmp_path):
    async with here.relay() as one, here.relay() as two, here.relay() as other:
        for editor, root in ((one, tmp_path), (two, tmp_path), (other, here.base)):
            await editor.initialize(root=root.as_uri())
            await editor.request("midspan/status")
        assert here.daemon_status()["workspaces"] == 2
        for editor in (one, two):
            editor.process.kill()
        await until(lambda: here.daemon_status()["workspaces"] == 1, "the index is still open")


async def test_an_editor_that_is_killed_leaves_nothing_behind(here):
    async with here.relay() as one, here.relay() as other:
        for editor in (one, other):
            await editor.initialize()
            await editor.open("slow = ")
        await one.start_completion(0, 7)
        await until(lambda: here.daemon_status()["models"][0]["running_requests"] == 1, "the engine got no request")
        one.process.kill()
        await until(lambda: here.daemon_status()["sessions"] == 1, "the session is still there")
        await until(lambda: here.daemon_status()["models"][0]["running_requests"] == 0, "the request goes on")
        assert await text_in(other) == "slow = "


async def test_a_killed_daemon_is_noticed_as_a_pause(here):
    async with here.relay() as editor:
        await editor.initialize()
        await editor.open("x = \n")
        await editor.open("slow = ", uri=B)
        await editor.change((0, 0), (0, 1), "width😀")
        _, running = await editor.start_completion(0, 7, uri=B)
        await until(lambda: here.daemon_status()["models"][0]["running_requests"] == 1, "the engine got no request")
        before = here.daemon_status()["pid"]
        psutil.Process(before).kill()
        assert await asyncio.wait_for(running, WAIT_S) is None
        assert await text_in(editor) == "width😀 = \n"
        assert await text_in(editor, B) == "slow = "
        assert await editor.complete(0, 10) == "hello()"
        assert here.daemon_status()["pid"] != before
        assert editor.notifications.empty()
        assert await leave(editor) == 0


async def test_a_daemon_killed_with_nobody_connected_is_replaced(here):
    async with here.relay() as editor:
        await editor.initialize()
        await leave(editor)
    psutil.Process(here.daemon_status()["pid"]).kill()
    await until(lambda: not here.processes(), "the killed daemon still runs")
    assert here.socket.exists()  # its daemon is dead
    async with here.relay() as editor:
        await editor.initialize()
        assert len(here.processes()) == 1
    assert {path.name for path in here.folder.iterdir()} == {"daemon.lock", "start.lock", "daemon.sock"}


async def test_the_daemon_ends_when_it_was_idle_for_a_while_and_not_under_an_editor(here, monkeypatch):
    async with here.relay(leave_after_s=0.2) as editor:
        await editor.initialize()
        await editor.open("x = ")
        (daemon,) = here.processes()
        with monkeypatch.context() as patch, place(patch) as elsewhere:  # a daemon with more patience ends without one
            async with elsewhere.relay(leave_after_s=0.4) as other:
                await other.initialize()
                await leave(other)
            await until(lambda: not elsewhere.processes(), "the idle daemon still runs")
        assert here.processes() == [daemon]
        assert await editor.complete(0, 4) == "hello()"
        await leave(editor)
    await until(lambda: not here.processes(), "the daemon still runs")
    assert not here.socket.exists()


async def test_an_idle_model_is_unloaded_and_comes_back(here):
    async with here.relay(unload_after_s=0.1) as editor:
        await editor.initialize()
        await editor.open("x = ")
        await until(lambda: here.daemon_status()["models"] == [], "the model is still loaded")
        assert (await editor.request("midspan/status"))["ready"] is False
        assert await editor.complete(0, 4) == "hello()"


async def test_a_stopped_daemon_comes_back_when_an_editor_speaks(here):
    async with here.relay() as editor, here.relay() as silent:
        for each in (editor, silent):
            await each.initialize()
        await editor.open("x = ")
        assert await text_in(editor) == "x = "
        pid = here.daemon_status()["pid"]
        assert shake_hands(here, wants="stop")["pid"] == pid
        await until(lambda: not here.processes(), "the daemon still runs")
        assert not here.socket.exists()
        silent.close_stdin()
        assert await silent.exit_code() == 1
        assert not here.processes()
        await editor.change((0, 0), (0, 1), "width")
        assert await text_in(editor) == "width = "
        assert await leave(editor) == 0


async def test_quitting_after_the_daemon_was_stopped_does_not_start_it(here):
    async with here.relay() as editor:
        await editor.initialize()
        assert shake_hands(here, wants="stop")
        await until(lambda: not here.processes(), "the daemon still runs")
        assert await leave(editor) == 0
    assert not here.processes()


async def test_sigterm_is_a_stop(here):
    async with here.relay() as editor:
        await editor.initialize()
        psutil.Process(here.daemon_status()["pid"]).send_signal(signal.SIGTERM)
        await until(lambda: not here.processes(), "the daemon still runs")
        assert (await editor.request("midspan/status"))["documents"] == 0


async def test_a_daemon_of_another_version_gives_way_and_serves_its_sessions_to_the_end(here):
    async with here.relay() as old:
        await old.initialize()
        await old.open("x = ")
        (first,) = here.processes()
        assert shake_hands(here, version="99", resumes=True)["pid"] == first.pid  # resumes a session of another version
        assert shake_hands(here, version="99") == {"retired": True}
        assert not here.socket.exists()
        assert await old.complete(0, 4) == "hello()"
        async with here.relay() as new:
            await new.initialize()
            assert here.daemon_status()["pid"] != first.pid
            assert await old.complete(0, 4) == "hello()"
            await leave(old)
            await until(lambda: not first.is_running(), "the old daemon still runs")
            assert (await new.request("midspan/status"))["documents"] == 0


@pytest.mark.parametrize("line", [b"GET / HTTP/1.1\r\n", b"[]\n", b'{"wants": "everything"}\n', b"x" * 200_000, b""])
async def test_a_client_that_is_no_relay_is_cut_off_and_others_do_not_notice(here, line):
    async with here.relay() as editor:
        await editor.initialize()
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(WAIT_S)
            connection.connect(str(here.socket))
            try:
                connection.sendall(line)
                connection.shutdown(socket.SHUT_WR)
                assert connection.recv(1000) == b""
            except OSError:
                pass  # the daemon closed the connection with part of the line unread
        assert (await editor.request("midspan/status"))["documents"] == 0


async def test_an_editor_that_stops_reading_is_cut_off_and_others_do_not_notice(here):
    text = "x" * 4_000_000
    messages: list[dict[str, object]] = [
        {"id": 1, "method": "initialize", "params": {"capabilities": {}, "processId": None, "rootUri": None}},
        {
            "method": "textDocument/didOpen",
            "params": {"textDocument": {"uri": A, "languageId": "python", "version": 1, "text": text}},
        },
        *({"id": n, "method": "midspan/document", "params": {"textDocument": {"uri": A}}} for n in range(2, 40)),
    ]
    async with here.relay() as editor:
        await editor.initialize()
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(WAIT_S)
            connection.connect(str(here.socket))
            connection.sendall(handshake.request_line("serve"))
            connection.sendall(b"".join(frame(json.dumps({"jsonrpc": "2.0", **m}).encode()) for m in messages))
            await until(lambda: here.daemon_status().get("sessions") == 1, "the session is still there")
        assert (await editor.request("midspan/status"))["documents"] == 0


async def test_a_log_file_has_its_own_session_only(here, tmp_path):
    logs = tmp_path / "one.log", tmp_path / "two.log"
    async with here.relay(log_file=logs[0]) as one, here.relay(log_file=logs[1]) as two:
        for editor, uri in ((one, A), (two, B)):
            await editor.initialize()
            await editor.open("x = ", uri=uri)
            assert await editor.complete(0, 4, uri=uri) == "hello()"
    one_text, two_text = (path.read_text() for path in logs)
    assert "a.py:1:5: shown" in one_text
    assert "b.py" not in one_text
    assert "b.py:1:5: shown" in two_text
    assert "a.py" not in two_text


async def test_each_session_has_its_own_log_level(here, tmp_path):
    logs = {level: tmp_path / f"{level}.log" for level in ("error", "debug", "info")}
    async with (
        here.relay(log_file=logs["error"]) as one,
        here.relay(log_file=logs["debug"]) as two,
        here.relay(log_file=logs["info"]) as three,
    ):
        for editor, level in ((one, "error"), (two, "debug"), (three, "info")):
            await editor.initialize(options={"log_level": level})
        for editor in (three, two, one):
            await editor.open("x = ")
            assert await editor.complete(0, 4) == "hello()"
            await editor.notify("midspan/unknown")
            await editor.request("midspan/status")
        texts = {level: path.read_text() for level, path in logs.items()}
        assert [level for level, text in texts.items() if "shown" in text] == ["debug", "info"]
        assert [level for level, text in texts.items() if "'midspan/unknown' is ignored" in text] == ["debug"]
        (log,) = here.base.rglob("daemon.log")
        assert "shown" in log.read_text()
        assert "is ignored" not in log.read_text()


def test_a_log_does_not_grow_without_end(tmp_path):
    handler = open_log(tmp_path / "midspan.log")
    for _ in range(12_000):
        handler.emit(logging.makeLogRecord({"msg": "x" * 1000}))
    handler.close()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 10_000_000


def test_nothing_heavy_is_imported_before_the_daemon_is_asked():
    root = Path(__file__).parents[3]
    code = "import sys, lsp_server.cli, lsp_server.relay.relay; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(root)}
    )
    heavy = {"torch", "pygls", "lsprotocol", "tokenizers", "numpy", "asyncio", "logging", "dataclasses", "subprocess"}
    assert not heavy & set(done.stdout.split()), done.stderr


async def test_a_wrong_setting_on_the_command_line_is_reported_and_ends_the_relay(here):
    command = [sys.executable, "-m", "lsp_server.cli", "serve", "--model", "remote:ftp://x"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=2 * WAIT_S)
    assert done.returncode == 1
    assert done.stderr.startswith("midspan: The address of a remote model begins with http")
    assert done.stderr.count("\n") == 1
    assert shake_hands(here, wants="stop")  # ends the real daemon, which `place` does not find
