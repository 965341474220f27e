"""No other user of the machine reaches the daemon, and no other user's process is taken for the daemon."""

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from lsp_server.relay.runtime_folder import check_door, check_peer, runtime_folder, user_folders_mark
from midspan import SettingsError
from tests.lsp_server.client import WAIT_S

NOBODY = 65534
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")


async def refusal(here) -> str:
    """Return the error of `midspan daemon status`, where a relay ends at once too."""
    async with here.relay() as editor:
        assert await editor.exit_code() == 1
    process = subprocess.run([sys.executable, "-m", "lsp_server.cli", "daemon", "status"], capture_output=True)
    assert process.returncode == 1
    assert not here.processes()
    return process.stderr.decode()


async def test_folder_and_socket_are_the_users_alone(here):
    async with here.relay() as editor:
        await editor.initialize()
        assert stat.S_IMODE(here.folder.stat().st_mode) == 0o700
        for path in here.folder.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        (log,) = here.base.rglob("daemon.log")
        assert stat.S_IMODE(log.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
async def test_a_folder_that_others_can_enter_is_refused(here, mode):
    here.folder.mkdir()
    here.folder.chmod(mode)
    assert "is open to other users. Run: chmod 700" in await refusal(here)


async def test_a_link_in_place_of_the_folder_is_refused(here):
    target = here.base / "elsewhere"
    target.mkdir(mode=0o700)
    here.folder.symlink_to(target)
    assert "is not a folder" in await refusal(here)
    assert not list(target.iterdir())


async def test_a_link_in_place_of_the_socket_is_refused(here):
    here.folder.mkdir(mode=0o700)
    elsewhere = here.base / "other.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(elsewhere))
        elsewhere.chmod(0o600)
        listener.listen()
        listener.setblocking(False)
        here.socket.symlink_to(elsewhere)
        assert "is not a socket" in await refusal(here)
        with pytest.raises(BlockingIOError):  # the relay, which has ended, has not even connected
            listener.accept()


async def test_a_file_in_place_of_the_socket_is_refused(here):
    here.folder.mkdir(mode=0o700)
    here.socket.write_text("")
    assert "is not a socket" in await refusal(here)


async def test_a_socket_that_others_can_reach_is_refused(here):
    here.folder.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(here.socket))
        here.socket.chmod(0o666)
        assert "is open to other users. Run: chmod 600" in await refusal(here)


async def test_a_link_in_place_of_a_lock_is_not_followed(here):
    here.folder.mkdir(mode=0o700)
    (here.folder / "daemon.lock").symlink_to(here.base / "made")
    async with here.relay() as editor:
        assert await editor.exit_code() == 1
    assert not (here.base / "made").exists()


@needs_root
async def test_a_folder_of_another_user_is_refused(here):
    here.folder.mkdir(mode=0o700)
    os.chown(here.folder, NOBODY, NOBODY)
    assert "belongs to another user" in await refusal(here)


@needs_root
def test_a_socket_of_another_user_is_refused(here):
    folder = runtime_folder()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "daemon.sock"))
        os.chmod(folder / "daemon.sock", 0o600)
        os.chown(folder / "daemon.sock", NOBODY, NOBODY)
        with pytest.raises(SettingsError, match="belongs to another user"):
            check_door(folder / "daemon.sock", is_socket=True)


@needs_root
async def test_another_users_process_is_cut_off_even_when_it_gets_to_the_socket(here):
    code = (
        "import os, socket, sys; s = socket.socket(socket.AF_UNIX); os.setuid(65534); s.settimeout(60)\n"
        "s.connect(sys.argv[1])\n"
        'try: s.sendall(b\'{"wants": "status"}\\n\'); print(s.recv(1000))\n'
        "except OSError: print(b'')"
    )
    command = [sys.executable, "-c", code, str(here.socket)]
    async with here.relay() as editor:
        await editor.initialize()
        denied = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S)
        assert "PermissionError" in denied.stderr
        for path, mode in ((here.base, 0o711), (here.folder, 0o711), (here.socket, 0o666)):
            path.chmod(mode)
        done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S)
        assert done.stdout == "b''\n", done.stderr
        assert (await editor.request("midspan/status"))["documents"] == 0


@needs_root
def test_another_users_process_is_not_taken_for_the_daemon(here):
    here.base.chmod(0o777)
    address = str(here.base / "trap.sock")
    code = (
        "import os, socket, sys; os.setuid(65534); s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()\n"
        "print('listening', flush=True); s.accept(); sys.stdin.read()"
    )
    with (
        subprocess.Popen([sys.executable, "-c", code, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other,
        socket.socket(socket.AF_UNIX) as connection,
    ):
        assert other.stdout
        other.stdout.readline()
        connection.connect(address)
        with pytest.raises(SettingsError, match="user 65534"):
            check_peer(connection)
        other.terminate()


def test_a_process_of_the_user_is_let_in():
    one, other = socket.socketpair()
    with one, other:
        check_peer(one)


@pytest.mark.parametrize("value", ["", "relative/path", "/nowhere/at/all", "/" + "long/" * 30])
def test_without_a_usable_runtime_folder_the_temporary_one_is_used(monkeypatch, here, value):
    monkeypatch.setenv("XDG_RUNTIME_DIR", value)
    monkeypatch.setenv("TMPDIR", str(here.base))
    assert runtime_folder() == here.base / f"midspan-{os.getuid()}-{user_folders_mark()}"


def test_editors_in_different_folders_share_a_daemon_also_by_a_relative_path(here, monkeypatch):
    monkeypatch.setattr(platformdirs, "user_config_path", lambda: Path("relative"))  # older releases hand it on
    monkeypatch.chdir(here.base)
    in_folder = user_folders_mark()
    monkeypatch.chdir("/")
    assert user_folders_mark() == in_folder


def test_the_daemon_imports_nothing_from_the_folder_that_the_editor_works_in(here):
    hostile = here.base / "project"
    hostile.mkdir()
    for name in ("asyncio", "pygls", "psutil", "platformdirs"):
        (hostile / f"{name}.py").write_text(f"open({str(here.base / 'imported')!r}, 'w')\n")
    command = [sys.executable, "-P", "-m", "lsp_server.cli", "daemon"]
    for action in ("start", "stop"):
        done = subprocess.run([*command, action], cwd=hostile, capture_output=True, text=True, timeout=2 * WAIT_S)
        assert done.returncode == 0, done.stderr
    assert not (here.base / "imported").exists()
