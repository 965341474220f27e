"""The daemon serves all editors, each with its own session, and a client that is no relay does not disturb it."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lsp_server.relay import handshake
from lsp_server.rpc.frames import frame
from tests.lsp_server.client import WAIT_S, until
from tests.lsp_server.daemons import A, leave, text_in


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
    assert here.shake_hands(wants="stop")  # ends the real daemon, which `place` does not find
