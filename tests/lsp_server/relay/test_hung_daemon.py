"""A daemon that is stopped is replaced; one that is only busy is left in peace."""

import asyncio
import signal

import psutil
import pytest

from lsp_server.relay import handshake
from lsp_server.relay.launch import ask, connect
from tests.lsp_server.client import URI, WAIT_S
from tests.lsp_server.daemons import place, until

PATIENCE_S = 0.3


@pytest.fixture
def here(monkeypatch):
    with place(monkeypatch) as found:
        yield found


async def test_a_daemon_that_is_stopped_is_replaced_and_its_user_told_once(here):
    async with here.relay(patience_s=PATIENCE_S) as editor:
        await editor.initialize()
        await editor.open("x = \n")
        await editor.change((0, 0), (0, 1), "width")
        await editor.request("midspan/status")
        (before,) = here.processes()
        before.send_signal(signal.SIGSTOP)
        assert await editor.complete(0, 8) is None  # what the daemon had to answer when it was ended
        assert "did not answer" in (await editor.message())["params"]["message"]
        assert await editor.complete(0, 8) == "hello()"
        found = await editor.request("midspan/document", {"textDocument": {"uri": URI}})
        assert found["text"] == "width = \n"
        assert editor.notifications.empty()
        await until(lambda: not before.is_running() or before.status() == psutil.STATUS_ZOMBIE, "it is still there")
        (after,) = here.processes()
        assert after.pid != before.pid


async def test_a_stopped_daemon_that_reads_no_more_does_not_hold_its_editor_up(here):
    async with here.relay(patience_s=PATIENCE_S) as editor:
        await editor.initialize()
        await editor.open("x = \n")
        await editor.request("midspan/status")
        (before,) = here.processes()
        before.send_signal(signal.SIGSTOP)
        _, running = await editor.start_completion(0, 4)
        for _ in range(40):  # more than a socket holds
            await editor.change_by([{"text": "y = \n" * 20_000}])
        assert await asyncio.wait_for(running, WAIT_S) is None
        assert await editor.complete(0, 4) == "hello()"


async def test_a_daemon_whose_engine_takes_long_is_not_taken_for_one_that_hangs(here):
    async with here.relay(patience_s=PATIENCE_S) as editor:
        await editor.initialize()
        await editor.open("slow = \n")
        (before,) = here.processes()
        _, running = await editor.start_completion(0, 7)
        await asyncio.sleep(6 * PATIENCE_S)
        assert not running.done()
        assert here.daemon_status()["pid"] == before.pid
        assert editor.notifications.empty()


async def test_a_stopped_daemon_that_owes_nothing_is_left_in_peace(here):
    async with here.relay(patience_s=PATIENCE_S) as editor:
        await editor.initialize()
        (before,) = here.processes()
        before.send_signal(signal.SIGSTOP)
        await asyncio.sleep(4 * PATIENCE_S)
        before.send_signal(signal.SIGCONT)
        assert here.daemon_status()["pid"] == before.pid


async def test_who_comes_to_a_stopped_daemon_gets_another_one(here):
    async with here.relay() as editor:
        await editor.initialize()
        (before,) = here.processes()
        before.send_signal(signal.SIGSTOP)
        connection, status = await asyncio.to_thread(connect, handshake.request_line("status"), patience_s=PATIENCE_S)
        connection.close()
        assert status["pid"] != before.pid
        assert ask(handshake.request_line("stop"))  # the real daemon, which the place does not know as its own


async def test_a_stopped_daemon_that_has_given_up_its_place_is_left_but_not_ended(here):
    async with here.relay(patience_s=PATIENCE_S) as editor:
        await editor.initialize()
        await editor.open("x = \n")
        await editor.request("midspan/status")
        (before,) = here.processes()
        for path in (here.folder / "daemon.lock", here.socket):  # as one of another version gives them up
            path.unlink()
        before.send_signal(signal.SIGSTOP)
        assert await editor.complete(0, 4) is None
        assert before.status() == psutil.STATUS_STOPPED
        assert await editor.complete(0, 4) == "hello()"
