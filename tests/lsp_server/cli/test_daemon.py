import json
import re
import subprocess
import sys

import psutil
import pytest

from lsp_server.cli.output.status_words import status_in_words
from lsp_server.daemon.daemon_status import read_status
from lsp_server.relay import handshake
from lsp_server.relay.launch import NoDaemonError, ask
from lsp_server.server.engines import Engines
from lsp_server.server.shared_workspaces import SharedWorkspaces
from lsp_server.settings.values import ModelSettings
from midspan import __version__
from tests.fake_engine import FakeEngine
from tests.lsp_server.client import WAIT_S


def midspan_daemon(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lsp_server.cli", "daemon", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=2 * WAIT_S)


async def test_the_status_says_the_type_of_the_values_in_the_cache_and_why_it_is_that_device():
    engines = Engines(lambda _settings: FakeEngine(lambda *_: ""))
    engines.engine_for(ModelSettings())
    words = status_in_words(await read_status([], engines, SharedWorkspaces(), 0))
    assert re.search(r"; cache \S+ \S+ in int8: 0 of 100 pages hold prefixes", words)
    assert "; it runs on cpu: the fake runs anywhere; " in words


def test_start_status_logs_and_stop(here):
    assert midspan_daemon("status").stdout == "The daemon does not run.\n"
    assert midspan_daemon("status").returncode == 1
    assert midspan_daemon("stop").returncode == 0
    assert midspan_daemon("logs").returncode == 1
    started = midspan_daemon("start", "--json")
    assert started.returncode == 0, started.stderr
    status = json.loads(started.stdout)
    process = psutil.Process(status["pid"])
    try:
        again = json.loads(midspan_daemon("start", "--json").stdout)
        assert again["pid"] == status["pid"]
        status = json.loads(midspan_daemon("status", "--json").stdout)
        assert (status["version"], status["sessions"], status["models"]) == (__version__, 0, [])
        assert f"process      {status['pid']}" in midspan_daemon("status").stdout
        assert f"serves as process {status['pid']}" in midspan_daemon("logs").stdout
        stopped = midspan_daemon("stop")
        assert stopped.stdout == f"The daemon, process {status['pid']}, has ended.\n"
        assert not process.is_running()
    finally:
        if process.is_running():
            process.kill()
    assert not here.socket.exists()


async def test_stop_says_that_editors_will_start_it_again(here):
    async with here.relay() as editor:
        await editor.initialize()
        stopped = midspan_daemon("stop")
        assert "1 editor was connected; the next keystroke in an editor starts the daemon again." in stopped.stdout
        assert not here.processes()


async def test_a_daemon_that_hangs_is_named(here):
    async with here.relay() as editor:
        await editor.initialize()
        (daemon,) = here.processes()
        daemon.suspend()
        with pytest.raises(NoDaemonError, match=f"does not answer .*kill -9 {daemon.pid}"):
            ask(handshake.request_line("stop"), patience_s=0.2)
        daemon.resume()
        assert (await editor.request("midspan/status"))["documents"] == 0


def test_a_daemon_that_cannot_start_is_told_in_one_line(here, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    done = midspan_daemon("start")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "daemon.log cannot be written" in done.stderr
