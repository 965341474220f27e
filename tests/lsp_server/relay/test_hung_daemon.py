"""A stopped daemon is replaced; a daemon that is only busy is not."""

import asyncio
import signal

import psutil

from lsp_server.relay import handshake
from lsp_server.relay.launch import ask, connect
from tests.lsp_server.client import URI, WAIT_S, until
from tests.lsp_server.daemons import place
from tests.processes import has_ended

PATIENCE_S = 1.0  # a healthy daemon of a busy machine answers a ping within it


async def until_another_relay_gives_up(monkeypatch, patience_s: float) -> None:
    """Return when a relay elsewhere has given up a stopped daemon.

    A relay that began to wait earlier, with no more patience, has then had the time to give up too.
    """
    with monkeypatch.context() as patch, place(patch) as elsewhere:
        async with elsewhere.relay(patience_s=patience_s) as editor:
            await editor.initialize()
            await editor.open("x = \n")
            await editor.request("midspan/status")
            (daemon,) = elsewhere.processes()
            daemon.send_signal(signal.SIGSTOP)
            await editor.start_completion(0, 4)
            assert "did not answer" in (await editor.message())["params"]["message"]


async def start_slow_request(here, editor):
    """Return the answer of a completion that takes the engine long, once the engine has the request."""
    await editor.open("slow = \n")
    _, running = await editor.start_completion(0, 7)
    await until(lambda: here.daemon_status()["models"][0]["running_requests"] == 1, "the engine got no request")
    return running


async def test_a_daemon_that_is_stopped_is_replaced_and_the_user_is_told_once(here):
    async with here.relay(patience_s=PATIENCE_S) as editor:
        await editor.initialize()
        await editor.open("x = \n")
        await editor.change((0, 0), (0, 1), "width")
        await editor.request("midspan/status")
        (before,) = here.processes()
        before.send_signal(signal.SIGSTOP)
        assert await editor.complete(0, 8) == "hello()"  # the request that the stopped daemon owed an answer
        assert "did not answer" in (await editor.message())["params"]["message"]
        assert await editor.complete(0, 8) == "hello()"
        found = await editor.request("midspan/document", {"textDocument": {"uri": URI}})
        assert found["text"] == "width = \n"
        assert editor.notifications.empty()
        await until(lambda: has_ended(before.pid), "the stopped daemon still runs")
        (after,) = here.processes()
        assert after.pid != before.pid


async def test_a_stopped_daemon_that_does_not_read_does_not_block_its_editor(here):
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


async def test_a_daemon_whose_engine_takes_long_is_not_taken_for_a_hung_daemon(here, monkeypatch):
    async with here.relay(patience_s=PATIENCE_S) as editor:
        await editor.initialize()
        running = await start_slow_request(here, editor)
        (before,) = here.processes()
        await until_another_relay_gives_up(monkeypatch, 2 * PATIENCE_S)
        assert not running.done()
        assert here.daemon_status()["pid"] == before.pid
        assert editor.notifications.empty()


async def test_a_stopped_daemon_that_owes_no_answer_is_not_killed(here, monkeypatch):
    async with here.relay(patience_s=PATIENCE_S) as editor:
        await editor.initialize()
        (before,) = here.processes()
        before.send_signal(signal.SIGSTOP)
        await until_another_relay_gives_up(monkeypatch, 2 * PATIENCE_S)
        before.send_signal(signal.SIGCONT)
        assert here.daemon_status()["pid"] == before.pid


async def test_a_daemon_that_was_paused_together_with_its_relay_is_not_killed(here):
    async with here.relay(patience_s=PATIENCE_S) as editor:
        await editor.initialize()
        running = await start_slow_request(here, editor)
        (before,) = here.processes()
        await asyncio.sleep(PATIENCE_S / 2)  # the relay has begun to count
        paused = (psutil.Process(editor.process.pid), before)
        for process in paused:
            process.suspend()
        await asyncio.sleep(3 * PATIENCE_S)
        for process in paused:  # the relay first: it finds that much time gone, and no answer
            process.resume()
            await asyncio.sleep(PATIENCE_S / 10)
        assert (await editor.request("midspan/status"))["documents"] == 1
        assert not running.done()
        assert here.processes() == [before]
        assert editor.notifications.empty()


async def test_a_client_that_meets_a_stopped_daemon_gets_another_one(here):
    async with here.relay() as editor:
        await editor.initialize()
        (before,) = here.processes()
        before.send_signal(signal.SIGSTOP)
        connection, status = await asyncio.to_thread(connect, handshake.request_line("status"), patience_s=PATIENCE_S)
        connection.close()
        assert status["pid"] != before.pid
        assert ask(handshake.request_line("stop"))  # ends the real daemon, which `place` does not find


async def test_a_stopped_daemon_that_has_given_up_its_place_is_left_but_not_killed(here):
    async with here.relay(patience_s=PATIENCE_S) as editor:
        await editor.initialize()
        await editor.open("x = \n")
        await editor.request("midspan/status")
        (before,) = here.processes()
        for path in (
            here.folder / "daemon.lock",
            here.socket,
        ):  # as a daemon gives up its place for one of another version
            path.unlink()
        before.send_signal(signal.SIGSTOP)
        assert await editor.complete(0, 4) == "hello()"
        assert before.status() == psutil.STATUS_STOPPED
        assert await editor.complete(0, 4) == "hello()"
