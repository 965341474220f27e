import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lsp_server.rpc.frames import FrameReader, FramingError
from tests.lsp_server.client import Stdio, stdio_server

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
FAKE = (HERE / "serve_fake.py",)


@pytest.fixture(autouse=True)
def repository_is_importable(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def frame(body: bytes, *headers: bytes) -> bytes:
    return b"".join(header + b"\r\n" for header in (*headers, b"Content-Length: %d" % len(body))) + b"\r\n" + body


def test_frames_may_come_in_any_pieces():
    bodies = [b"{}", "é😀".encode(), b"", b"x" * 5000]
    stream = b"".join(frame(body, b"Content-Type: application/vscode-jsonrpc; charset=utf-8") for body in bodies)
    for size in (1, 2, 7, 1000, len(stream)):
        reader = FrameReader()
        pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
        assert [body for piece in pieces for body in reader.feed(piece)] == bodies


@pytest.mark.parametrize(
    "stream",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"x" * 10_000,
        b"Content-Length: 999999999999\r\n\r\n",
        b"Content-Length: %s\r\n\r\n" % (b"9" * 5000),
    ],
)
def test_a_stream_that_is_no_lsp_is_refused(stream):
    with pytest.raises(FramingError):
        FrameReader().feed(stream)


@pytest.mark.parametrize("extra", [0, 1, 100_000])
def test_a_message_that_is_too_long_is_read_past_and_the_next_one_is_read(extra):
    reader = FrameReader()
    too_long = 64 * 1024**2 + 1
    assert reader.feed(b"Content-Length: %d\r\n\r\nxx" % too_long) == [b""]
    piece = b"x" * 1024**2
    for _ in range(63):
        assert reader.feed(piece) == []
    rest = b"x" * (too_long - 2 - 63 * 1024**2)
    assert reader.feed(rest + frame(b"{}") + frame(b"y" * extra)) == [b"{}", b"y" * extra]


def serve_fake(stream: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, *FAKE], input=stream, capture_output=True, timeout=60, check=False)


async def start(editor: Stdio, root: Path) -> None:
    await editor.initialize(root=root.as_uri())
    await editor.open("x = \n", uri=f"{root.as_uri()}/a.py")


async def test_a_session_and_its_end(tmp_path):
    async with stdio_server(*FAKE) as editor:
        await start(editor, tmp_path)
        assert await editor.complete(0, 4, uri=f"{tmp_path.as_uri()}/a.py") == "hello()"
        await editor.request("shutdown")
        await editor.notify("exit")
        assert await editor.exit_code() == 0


async def test_exit_without_shutdown_gives_1(tmp_path):
    async with stdio_server(*FAKE) as editor:
        await start(editor, tmp_path)
        await editor.notify("exit")
        assert await editor.exit_code() == 1


async def test_the_end_of_stdin_ends_the_server(tmp_path):
    async with stdio_server(*FAKE) as editor:
        await start(editor, tmp_path)
        editor.close_stdin()
        assert await editor.exit_code() == 1


async def test_a_signal_ends_the_server_without_a_traceback(tmp_path):
    async with stdio_server(*FAKE) as editor:
        await start(editor, tmp_path)
        await editor.request("midspan/status")
        editor.process.send_signal(signal.SIGTERM)
        assert await editor.exit_code() == 1


def test_a_stream_that_is_no_lsp_ends_the_server_with_a_reason():
    done = serve_fake(b"GET / HTTP/1.1\r\n\r\n")
    assert done.returncode == 1
    assert done.stdout == b""
    assert b"The input is not LSP" in done.stderr
    assert b"Traceback" not in done.stderr


def test_stdout_carries_the_protocol_and_nothing_else(tmp_path):
    body = {"processId": None, "rootUri": tmp_path.as_uri(), "capabilities": {}}
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": body},
        {"jsonrpc": "2.0", "id": 2, "method": "midspan/status", "params": None},
        {"jsonrpc": "2.0", "id": 3, "method": "shutdown"},
        {"jsonrpc": "2.0", "method": "exit"},
    ]
    stream = b"".join(frame(json.dumps(message).encode()) for message in messages)
    done = serve_fake(stream)
    assert done.returncode == 0
    answers = [json.loads(answer) for answer in FrameReader().feed(done.stdout)]
    assert [answer["id"] for answer in answers] == [1, 2, 3]
    for noise in (b"noise from Python", b"noise from a native library", b"noise from a child"):
        assert noise in done.stderr
        assert noise not in done.stdout


async def test_the_log_goes_to_the_file_and_holds_no_code(tmp_path):
    log = tmp_path / "midspan.log"
    async with stdio_server(*FAKE, log) as editor:
        await start(editor, tmp_path)
        await editor.change((0, 0), (0, 1), "secret_name", uri=f"{tmp_path.as_uri()}/a.py")
        await editor.complete(0, 14, uri=f"{tmp_path.as_uri()}/a.py")
        await editor.request("shutdown")
        await editor.notify("exit")
        await editor.exit_code()
    text = log.read_text()
    assert "a.py:1:15: shown 7 characters" in text
    assert "secret_name" not in text


async def test_a_message_in_pieces_and_two_in_one_piece(tmp_path):
    async with stdio_server(*FAKE) as editor:
        await start(editor, tmp_path)
        assert editor.process.stdin
        two = b"".join(
            frame(json.dumps({"jsonrpc": "2.0", "id": n, "method": "midspan/status"}).encode()) for n in (101, 102)
        )
        editor.process.stdin.write(two[:30])
        await editor.process.stdin.drain()
        await asyncio.sleep(0.05)
        editor.process.stdin.write(two[30:])
        answers = {(await editor.message())["id"], (await editor.message())["id"]}
        assert answers == {101, 102}


async def test_everything_but_completion_works_while_torch_is_being_imported(tmp_path):
    async with stdio_server(HERE / "serve_without_torch.py") as editor:
        await start(editor, tmp_path)
        uri = f"{tmp_path.as_uri()}/a.py"
        _, older = await editor.start_completion(0, 4, uri=uri)
        _, newer = await editor.start_completion(0, 4, uri=uri)
        assert await asyncio.wait_for(older, 30) is None
        status = await editor.request("midspan/status")
        assert status["ready"] is False
        assert status["running_requests"] == 1
        await editor.request("shutdown")
        await editor.notify("exit")
        assert await editor.exit_code() == 0
        newer.cancel()


def test_no_module_of_the_server_imports_torch():
    files = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / "lsp_server").rglob("*.py")]
    names = [".".join(file.parts) for file in files if file.name != "__main__"]
    code = f"import sys\nfor name in {names}: __import__(name)\nprint('torch' in sys.modules)"
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=60)
    assert done.stdout == "False\n", done.stderr
