"""The daemon is killed at random moments while somebody types. MIDSPAN_KILLS says how often."""

import asyncio
import os
import random
from contextlib import suppress

import psutil
import pytest

from lsp_server import hello
from lsp_server.launch import ask
from tests.lsp_server.client import URI, Editor
from tests.lsp_server.daemons import Place, place, until

KILLS = int(os.environ.get("MIDSPAN_KILLS", "10"))
PIECES = ("x", "é", "😀", "\n", "\r\n", "\t", "name = value\n")


class Typist:
    """Types into one document at random, and knows what must stand in it."""

    def __init__(self, editor: Editor, seed: int) -> None:
        self._editor = editor
        self._dice = random.Random(seed)
        self.text = "first = 1\n"

    async def begin(self) -> None:
        await self._editor.initialize(encodings=["utf-32"])
        await self._editor.open(self.text)

    async def type(self) -> None:
        """One edit, and now and then a request that nobody waits for."""
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

    async def check(self) -> None:
        while True:
            with suppress(Exception):  # the daemon died under the question
                found = await self._editor.request("midspan/document", {"textDocument": {"uri": URI}})
                break
        assert found["text"] == self.text


@pytest.fixture
def here(monkeypatch):
    with place(monkeypatch) as found:
        yield found


def kill_one(here: Place, dice: random.Random) -> bool:
    """Whichever daemon there is, whether it serves already or has only just been started."""
    processes = here.processes()
    if not processes:
        return False
    with suppress(psutil.NoSuchProcess):
        dice.choice(processes).kill()
        return True
    return False


@pytest.mark.timeout(60 + 30 * KILLS)
async def test_kills_at_random_moments_lose_no_text_and_leave_nothing_behind(here):
    dice = random.Random(KILLS)
    async with here.relay() as one, here.relay() as two:
        typists = Typist(one, 1), Typist(two, 2)
        for typist in typists:
            await typist.begin()
        kills = 0
        while kills < KILLS:
            for _ in range(dice.randrange(20)):
                await dice.choice(typists).type()
                await asyncio.sleep(dice.random() * 0.03)
            kills += kill_one(here, dice)
            if dice.random() < 0.5:
                for typist in typists:
                    await typist.check()
        for typist in typists:
            await typist.type()
            await typist.check()
        await until(lambda: here.account().get("sessions") == 2, "a session is missing")
        assert len(here.processes()) == 1
        assert {path.name for path in here.folder.iterdir()} == {"daemon.lock", "start.lock", "daemon.sock"}
        for editor in (one, two):
            await editor.request("shutdown")
            await editor.notify("exit")
            assert await editor.exit_code() == 0
    assert ask(hello.say("stop"))
    await until(lambda: not here.processes(), "an orphan is left")
    assert not here.socket.exists()
