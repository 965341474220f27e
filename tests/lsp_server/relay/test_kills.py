"""The daemon is killed at random moments while two editors type. MIDSPAN_KILLS is the number of kills."""

import asyncio
import os
import random
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest

from lsp_server.relay import handshake
from lsp_server.relay.launch import ask
from tests.lsp_server.client import URI, WAIT_S, Editor, until
from tests.lsp_server.daemons import Place, place

KILLS = int(os.environ.get("MIDSPAN_KILLS", "10"))
PIECES = ("x", "é", "😀", "\n", "\r\n", "\t", "name = value\n")


class Typist:
    """Types into one document at random, and knows the text that the document must have."""

    def __init__(self, editor: Editor, seed: int) -> None:
        self._editor = editor
        self._dice = random.Random(seed)
        self.text = "first = 1\n"

    async def begin(self, root: Path) -> None:
        await self._editor.initialize(encodings=["utf-32"], root=root.as_uri())
        await self._editor.open(self.text)

    async def type(self) -> None:
        """Send one edit, and now and then a request without waiting for the answer."""
        lines = self.text.split("\n")
        number = self._dice.randrange(len(lines))
        line = lines[number].removesuffix("\r")
        start, end = sorted((self._dice.randint(0, len(line)), self._dice.randint(0, len(line))))
        new = self._dice.choice(PIECES)
        before = "".join(f"{each}\n" for each in lines[:number])
        at = len(before)
        self.text = self.text[: at + start] + new + self.text[at + end :]
        await self._editor.change((number, start), (number, end), new)
        if self._dice.random() < 0.3:
            await self._editor.start_completion(0, 0)
        if self._dice.random() < 0.2:
            accepted = {"command": "midspan.accepted", "arguments": [self._dice.randrange(1, 4)]}
            await self._editor.start_request("workspace/executeCommand", accepted)

    async def check(self) -> None:
        async with asyncio.timeout(2 * WAIT_S):
            while True:
                with suppress(Exception):  # the daemon died before it answered
                    found = await self._editor.request("midspan/document", {"textDocument": {"uri": URI}})
                    break
        assert found["text"] == self.text


@pytest.fixture
def here(monkeypatch):
    with place(monkeypatch) as found:
        monkeypatch.setenv("XDG_CACHE_HOME", str(found.base / "cache"))
        yield found


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Large enough that its index is still being written when a daemon is killed."""
    for number in range(300):
        (tmp_path / f"part{number}.py").write_text(f"def work_{number}(value):\n    return value + {number}\n" * 20)
    return tmp_path


def databases(here: Place) -> list[Path]:
    """Return the files that the daemons keep: the index of the workspace and the usage counts."""
    found = []
    for path in here.base.rglob("*"):
        with suppress(FileNotFoundError):  # the indexer of a killed daemon closes its database
            if path.is_file() and path.read_bytes()[:15] == b"SQLite format 3":
                found.append(path)
    return found


def check_whole(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def kill_one(here: Place, dice: random.Random) -> bool:
    """Kill a daemon, whether it serves already or has only just started; return whether there was one."""
    processes = here.processes()
    if not processes:
        return False
    with suppress(psutil.NoSuchProcess):
        dice.choice(processes).kill()
        return True
    return False


@pytest.mark.timeout(60 + 30 * KILLS)
async def test_kills_at_random_moments_lose_no_text_and_leave_nothing_behind(here, workspace):
    dice = random.Random(KILLS)
    async with here.relay() as one, here.relay() as two:
        typists = Typist(one, 1), Typist(two, 2)
        for typist in typists:
            await typist.begin(workspace)
        kills = 0
        async with asyncio.timeout(30 * KILLS):
            while kills < KILLS:
                for _ in range(dice.randrange(20)):
                    await dice.choice(typists).type()
                    (workspace / f"part{dice.randrange(300)}.py").write_text(f"value = {dice.random()}\n" * 50)
                    await asyncio.sleep(dice.random() * 0.03)
                kills += kill_one(here, dice)
                if dice.random() < 0.5:
                    for typist in typists:
                        await typist.check()
        for typist in typists:
            await typist.type()
            await typist.check()
        await until(lambda: here.daemon_status().get("sessions") == 2, "a session is missing")
        assert len(here.processes()) == 1
        assert {path.name for path in here.folder.iterdir()} == {"daemon.lock", "start.lock", "daemon.sock"}
        for editor in (one, two):
            await editor.request("shutdown")
            await editor.notify("exit")
            assert await editor.exit_code() == 0
    assert ask(handshake.request_line("stop"))
    await until(lambda: not here.processes(), "an orphan is left")
    assert not here.socket.exists()
    assert databases(here)
    for path in databases(here):
        check_whole(path)
    left_over = [path.name for path in here.base.rglob("*") if path.suffix in (".new", ".partial", ".tmp", ".part")]
    assert not left_over
