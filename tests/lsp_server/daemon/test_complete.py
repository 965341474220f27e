"""`midspan complete` asks the running daemon, whose model, index and prefix cache are those of the editors."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lsp_server.client import WAIT_S
from tests.lsp_server.daemons import A, Place, place


@pytest.fixture
def here(monkeypatch):
    with place(monkeypatch) as found:
        yield found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "price.py"
    path.write_text("TOTAL = 2\nx = \n")
    return path


async def run_midspan(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "lsp_server.cli", *arguments)
    return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=4 * WAIT_S)


async def test_the_daemon_completes_and_its_trace_says_so(here: Place, source: Path) -> None:
    async with here.relay() as editor:
        await editor.initialize()
        await editor.open("x = \n")
        assert await editor.complete(0, 4, uri=A) == "hello()"
        done = await run_midspan("complete", f"{source}:2:5", "--json")
        answer = json.loads(done.stdout)
        assert (answer["text"], answer["model"], answer["trace"]["counts"]) == ("hello()", "fake", "exact")
        assert here.daemon_status()["models"][0]["sessions"] == 1  # the editor's alone
        assert [root["root"] for root in here.daemon_status()["indexes"]] == []  # it has closed its workspace
        traces = (await editor.request("midspan/trace", {}))["traces"]
        assert [(trace["editor"].split()[0], trace["path"], trace["outcome"]) for trace in traces][-1] == (
            "midspan",
            "price.py",
            "shown",
        )


async def test_a_daemon_with_other_folders_of_models_or_settings_is_not_asked(
    here: Place, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with here.relay() as editor:
        await editor.initialize()
        for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
            with monkeypatch.context() as other:
                other.setenv(variable, str(tmp_path))
                done = await run_midspan("complete", f"{source}:2:5", "--json")
            assert json.loads(done.stdout)["model"] != "fake"
        assert (await editor.request("midspan/trace", {}))["traces"] == []


async def test_what_is_wrong_with_the_place_or_the_options_is_told_as_without_a_daemon(
    here: Place, source: Path
) -> None:
    async with here.relay() as editor:
        await editor.initialize()
        done = await run_midspan("complete", f"{source}:9:1")
        assert (done.returncode, done.stdout) == (1, "")
        assert "has no line 9: it has 3" in done.stderr
        done = await run_midspan("complete", f"{source}:1:3")
        assert (done.returncode, done.stdout) == (0, "\n")
        assert "midspan: there is no completion here: " in done.stderr
        # A request without its place is answered in words, and the daemon goes on.
        assert "line and character" in str(here.shake_hands(wants="complete", file=str(source))["error"])
        assert here.daemon_status()["sessions"] == 1
