"""An editor that runs with other user folders gets a daemon of its own, and no model or setting of another's."""

from pathlib import Path

import psutil
import pytest

from lsp_server.cli.checks.daemon_check import check_daemon
from tests.lsp_server.cli.run_fake import midspan
from tests.lsp_server.daemons import USER_FOLDERS, Place, leave

DEFAULTS = dict(zip(USER_FOLDERS, (".config", ".local/share", ".local/state", ".cache"), strict=True))


@pytest.mark.parametrize("variable", USER_FOLDERS)
async def test_an_editor_with_another_folder_gets_its_own_daemon(
    here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    async with here.relay() as editor:
        await editor.initialize()
        pid = here.daemon_status()["pid"]
        with monkeypatch.context() as other:
            other.setenv(variable, str(tmp_path))
            async with here.relay() as another:
                await another.initialize()
                theirs = here.daemon_status()
                assert (theirs["pid"] != pid, theirs["sessions"]) == (True, 1)
                (variables,) = [each.environ() for each in here.processes() if each.pid == theirs["pid"]]
                assert variables[variable] == str(tmp_path)
                assert await leave(another) == 0
        assert (here.daemon_status()["pid"], here.daemon_status()["sessions"]) == (pid, 1)


async def test_editors_share_a_daemon_however_their_variables_spell_the_same_folders(
    here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, link = tmp_path / "home", tmp_path / "link"
    home.mkdir()
    link.symlink_to(home)
    monkeypatch.setenv("HOME", str(home))
    spellings: list[dict[str, str]] = [
        {},
        dict.fromkeys(USER_FOLDERS, ""),
        {name: f"{home}/{folder}/" for name, folder in DEFAULTS.items()},
        {"HOME": str(link)},
    ]
    for name in USER_FOLDERS:
        monkeypatch.delenv(name)
    async with here.relay() as editor:
        await editor.initialize()
        (daemon,) = here.processes()
        for spelling in spellings:
            with monkeypatch.context() as other:
                for name, value in spelling.items():
                    other.setenv(name, value)
                async with here.relay() as another:
                    await another.initialize()
                    assert here.daemon_status()["sessions"] == 2
                    await leave(another)
        assert here.processes() == [daemon]


async def test_a_command_with_other_folders_names_the_daemon_that_it_does_not_ask(
    here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with here.relay() as editor:
        await editor.initialize()
        pid = here.daemon_status()["pid"]
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
        told = f"Another daemon, process {pid}, serves editors that run with other user folders (XDG_CONFIG_HOME,"
        done = midspan("status")
        assert done.returncode == 1
        assert "The daemon does not run.\n" + told in done.stdout
        assert [told in str(finding) for finding in check_daemon()] == [False, True]
        assert midspan("daemon", "stop").returncode == 0
        assert psutil.pid_exists(pid)
