"""Nothing leaves the machine without a remote model in the settings; with one, text goes to its server only."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lsp_server.server.engines import Engines
from lsp_server.server.start_engine import start_engine
from tests.inference.folders import write_folder
from tests.inference.remote.api_server import Answer, ApiServer
from tests.lsp_server.client import InProcess, stdio_server
from tests.lsp_server.daemon.network_denied import LEFT_THE_MACHINE

pytestmark = pytest.mark.usefixtures("no_daemon")

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
NETWORK_DENIED = HERE / "network_denied.py"
KEY = "sk-very-secret-123"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("models") / "lite")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "area.py"
    path.write_text("def area(width, height):\n    return \n", encoding="utf-8")
    return path


@pytest.fixture
def server():
    server = ApiServer(Answer(["height", " * width"]))
    yield server
    server.close()


def midspan(*arguments: str | Path, within: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*within, sys.executable, NETWORK_DENIED, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def test_complete_needs_no_network(source, folder):
    done = midspan("complete", f"{source}:2:12", "--model", folder, "--json")
    # Random weights repeat themselves, so there may be nothing to show.
    lines = [line for line in done.stderr.splitlines() if "there is no completion here" not in line]
    assert (done.returncode, lines) == (0, [])
    assert json.loads(done.stdout)["trace"]["counts"] == "exact"


def test_complete_runs_where_there_is_no_network_at_all(source, folder):
    within = ("unshare", "--map-root-user", "--net")
    if not shutil.which("unshare") or subprocess.run([*within, "true"], capture_output=True).returncode:
        pytest.skip("unshare cannot make a network namespace here")
    assert midspan("complete", f"{source}:2:12", "--model", folder, within=within).returncode == 0


async def test_serve_needs_no_network(folder, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    async with stdio_server(NETWORK_DENIED, "serve", "--standalone", "--model", folder) as editor:
        await editor.initialize()
        await editor.open("def area(width, height):\n    return \n")
        await editor.complete(1, 11, kind=1)
        assert (await editor.request("midspan/status"))["ready"]
        await editor.request("shutdown")
        await editor.notify("exit")
        assert await editor.exit_code() == 0


def test_a_connection_would_fail_the_test(source, server):
    done = midspan("complete", f"{source}:2:12", "--model", f"remote:{server.url}#qwen")
    assert done.returncode == LEFT_THE_MACHINE
    assert not server.received


def remote(*arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lsp_server.cli", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        cwd=cwd,
        env=os.environ | {"MIDSPAN_KEY_127_0_0_1": KEY},
    )


def test_complete_asks_a_remote_model(source, server):
    done = remote("complete", f"{source}:2:12", "--model", f"remote:{server.url}#qwen", "--json")
    answer = json.loads(done.stdout)
    assert (answer["text"], answer["model"], answer["trace"]["counts"]) == ("height * width", "qwen", "estimated")
    (post,) = server.posts
    assert post.headers["authorization"] == f"Bearer {KEY}"
    assert post.body["prompt"].endswith("\n    return <|fim_suffix|>\n<|fim_middle|>")


def test_chat_asks_a_remote_model(server, tmp_path):
    done = remote("chat", "--model", f"remote:{server.url}#deepseek-chat", "How wide?", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "height * width\n")
    (post,) = server.posts
    assert post.path == "/v1/chat/completions"
    assert post.body["messages"] == [{"role": "user", "content": "How wide?"}]
    assert KEY not in done.stderr


def test_doctor_tries_a_remote_model(server):
    done = remote("doctor", "--model", f"remote:{server.url}#qwen", "--json")
    findings = json.loads(done.stdout)
    assert findings["problems"] == []
    assert findings["model"]["name"] == "qwen"
    assert findings["engine"]["device"] == server.url
    assert findings["trial"]["text"] == "height * width"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("remote:http://127.0.0.1:1/v1#m", "http://127.0.0.1:1/v1 refuses the connection. Start the server"),
        ("remote:127.0.0.1", "The address of a remote model begins with http:// or https:// and a host."),
    ],
)
def test_a_remote_model_that_cannot_be_reached_costs_one_line(source, model, message):
    done = remote("complete", f"{source}:2:12", "--model", model)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith(f"midspan: {message}")
    assert "Traceback" not in done.stderr


async def test_an_editor_sets_a_remote_model_and_a_newer_keystroke_closes_the_connection(server, monkeypatch, tmp_path):
    async with stdio_server("-m", "lsp_server.cli", "serve") as before:  # starts the daemon without the key
        await before.initialize(options={"completion": {"model": "/nowhere"}})
    monkeypatch.setenv("MIDSPAN_KEY_127_0_0_1", KEY)
    server.answers = [Answer(["a"], stall_before=0), Answer(["height"])]
    log_file = tmp_path / "log"
    async with stdio_server("-m", "lsp_server.cli", "serve", "--log-file", log_file) as editor:
        await editor.initialize(options={"completion": {"model": f"remote:{server.url}#qwen"}, "log_level": "debug"})
        await editor.open("def area(width, height):\n    return secret_name(\n")
        _, older = await editor.start_completion(1, 23, kind=1)
        async with asyncio.timeout(30):
            while not server.stalled.is_set():
                await editor.request("midspan/status")
        assert await editor.complete(1, 23, kind=1) == "height"
        assert (await older) is None
        assert server.client_gone.wait(30)
        await editor.status_with(lambda status: status["live_requests"] == 0)
    log = log_file.read_text()
    assert "shown 6 characters" in log
    assert KEY not in log
    assert "secret_name" not in log


async def test_an_editor_is_told_once_why_a_server_completes_nothing(server):
    server.answers = [Answer(status=400, raw=b'{"error": {"message": "no such adapter"}}')]
    engines = Engines(start_engine)
    editor = InProcess(engines)
    await editor.initialize(options={"completion": {"model": f"remote:{server.url}#qwen"}})
    await editor.open("def area(width, height):\n    return \n")
    for _ in range(2):
        assert await editor.complete(1, 11, kind=1) is None
    server.answers = [Answer(["height"])]
    assert await editor.complete(1, 11, kind=1) == "height"
    for engine in engines.running().values():
        engine.close()
    messages = [await editor.message() for _ in range(editor.notifications.qsize())]
    assert [message["params"]["message"] for message in messages if message["method"] == "window/showMessage"] == [
        f"Midspan completes nothing: {server.url} refuses the request (400: no such adapter)."
    ]
