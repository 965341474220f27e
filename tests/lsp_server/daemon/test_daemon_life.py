"""The daemon ends, is killed or gives way, and editors notice a pause at most."""

import asyncio
import shutil
import signal
import tempfile

import psutil

from tests.lsp_server.client import WAIT_S, until
from tests.lsp_server.daemons import B, leave, place, text_in


async def test_a_killed_daemon_is_noticed_as_a_pause(here):
    async with here.relay() as editor:
        await editor.initialize()
        await editor.open("x = \n")
        await editor.open("slow = ", uri=B)
        await editor.change((0, 0), (0, 1), "width😀")
        _, running = await editor.start_completion(0, 7, uri=B)
        await until(lambda: here.daemon_status()["models"][0]["running_requests"] == 1, "the engine got no request")
        before = here.daemon_status()["pid"]
        await editor.change((0, 7), (0, 7), "1", uri=B)  # so nobody waits for that text any more
        assert await text_in(editor, B) == "slow = 1"  # the relay knows
        psutil.Process(before).kill()
        assert await asyncio.wait_for(running, WAIT_S) is None
        assert await text_in(editor) == "width😀 = \n"
        assert await text_in(editor, B) == "slow = 1"
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
        assert here.shake_hands(wants="stop")["pid"] == pid
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
        assert here.shake_hands(wants="stop")
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
        assert here.shake_hands(version="99", resumes=True)["pid"] == first.pid  # resumes a session of another version
        assert here.shake_hands(version="99") == {"retired": True}
        assert not here.socket.exists()
        assert await old.complete(0, 4) == "hello()"
        async with here.relay() as new:
            await new.initialize()
            assert here.daemon_status()["pid"] != first.pid
            assert await old.complete(0, 4) == "hello()"
            await leave(old)
            await until(lambda: not first.is_running(), "the old daemon still runs")
            assert (await new.request("midspan/status"))["documents"] == 0


async def test_a_daemon_whose_folder_was_removed_leaves_the_next_daemon_its_place(here):
    async with here.relay(leave_after_s=0.5) as old:
        await old.initialize()
        await old.open("x = ")
        (first,) = here.processes()
        shutil.rmtree(here.folder)  # as at a logout
        async with here.relay() as new:
            await new.initialize()
            second = here.daemon_status()["pid"]
            assert second != first.pid
            assert await old.complete(0, 4) == "hello()"
            await leave(old)
            await until(lambda: not first.is_running(), "the daemon that nobody reaches still runs")
            assert here.daemon_status()["pid"] == second


async def test_a_daemon_whose_socket_was_removed_keeps_no_editor_from_starting(here):
    async with here.relay(leave_after_s=0.5) as old:
        await old.initialize()
        await old.open("x = ")
        here.socket.unlink()
        async with here.relay() as new:
            await new.initialize()
            assert here.daemon_status()["sessions"] == 1
            assert await old.complete(0, 4) == "hello()"


async def test_an_editor_goes_on_when_its_daemon_and_their_runtime_folder_are_gone(here, monkeypatch):
    with tempfile.TemporaryDirectory(prefix="mid") as temporary:
        monkeypatch.setenv("TMPDIR", temporary)  # where the relay looks while there is no folder
        async with here.relay() as editor:
            await editor.initialize()
            await editor.open("x = ")
            (daemon,) = here.processes()
            shutil.rmtree(here.base)  # the first try to start a daemon makes it again, for the log
            daemon.kill()
            assert await editor.complete(0, 4) == "hello()"
            assert await leave(editor) == 0
