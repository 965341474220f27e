import errno
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import pytest

from context.index.watch import Watch, start_watch
from context.index.watchdog_watch import WatchdogWatch
from context.index.workspace import Workspace
from context.rules.rules import FoundFile, Rules
from tests.context.tree import SECONDS, write_tree

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux'")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {".gitignore": "out/\n*.log\n", "a.py": "x = 1\n", "src/b.py": "y = 1\n", "out/deep/c.py": "z = 1\n"}
    return write_tree(tmp_path / "root", files)


@pytest.fixture
def changes() -> list[str]:
    return []


@pytest.fixture
def watch(root: Path, changes: list[str]) -> Iterator[Watch]:
    watch = start_watch(root, Rules(root), changes.append)
    yield watch
    watch.close()
    watch.close()


def wait_for(condition: Callable[[], bool]) -> bool:
    end = monotonic() + SECONDS
    while not condition() and monotonic() < end:
        sleep(0.02)
    return condition()


def watched_folders(watch: Watch) -> set[str]:
    return set(vars(watch)["_watches"])


def test_folders_that_rules_keep_out_are_not_watched(watch: Watch, root: Path, changes: list[str]) -> None:
    assert watched_folders(watch) == {"", "src"}
    write_tree(root, {"out/new.py": "x = 1\n", "out/more/d.py": "x = 1\n", "a.log": "x\n", "node_modules/m.js": "x\n"})
    write_tree(root, {"src/last.py": "x = 1\n"})
    assert wait_for(lambda: "src/last.py" in changes)
    assert set(changes) == {"src/last.py"}


def test_new_moved_and_deleted_folders_are_followed(watch: Watch, root: Path, changes: list[str]) -> None:
    write_tree(root, {"new/deep/c.py": "x = 1\n"})
    assert wait_for(lambda: "new/deep/c.py" in changes)
    (root / "new").rename(root / "moved")
    assert wait_for(lambda: {"new", "moved/deep/c.py"} <= set(changes))
    assert watched_folders(watch) == {"", "src", "moved", "moved/deep"}
    changes.clear()
    write_tree(root, {"moved/deep/c.py": "x = 2\n"})
    assert wait_for(lambda: "moved/deep/c.py" in changes)
    (root / "src/b.py").unlink()
    (root / "src").rmdir()
    assert wait_for(lambda: "src" in changes)
    assert wait_for(lambda: watched_folders(watch) == {"", "moved", "moved/deep"})


def test_other_rules_change_what_is_watched(watch: Watch, root: Path) -> None:
    write_tree(root, {".gitignore": "src/\n"})
    watch.follow(Rules(root))
    assert watched_folders(watch) == {"", "out", "out/deep"}


def test_a_root_that_goes_is_noticed(watch: Watch, root: Path) -> None:
    assert watch.is_alive
    root.rename(root.with_name("elsewhere"))
    assert wait_for(lambda: not watch.is_alive)
    assert watch.limit == ""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_watch_whose_thread_has_died_is_not_alive(root: Path) -> None:
    def fail(_path: str) -> None:
        raise LookupError

    watch = start_watch(root, Rules(root), fail)
    assert watch.is_alive
    write_tree(root, {"a.py": "x = 2\n"})
    assert wait_for(lambda: not watch.is_alive)
    watch.close()


def test_two_threads_that_close_a_watch_close_its_files_once(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    close, closed = os.close, []

    def slow_close(file: int) -> None:
        closed.append(file)
        sleep(0.1)
        close(file)

    monkeypatch.setattr(os, "close", slow_close)
    threads = [Thread(target=watch.close) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(closed) == len(set(closed)) > 0


def test_git_files_outside_the_tree_are_watched(tmp_path: Path, changes: list[str]) -> None:
    root = write_tree(tmp_path / "root", {"a.py": "x = 1\n", ".git/HEAD": "ref: a\n", ".git/info/exclude": ""})
    watch = start_watch(root, Rules(root), changes.append)
    write_tree(root, {".git/index": "x", ".git/HEAD": "ref: b\n"})
    assert wait_for(lambda: ".git/HEAD" in changes)
    assert ".git/index" not in changes
    watch.close()


def test_folders_in_an_ignored_folder_cause_no_walk(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(root, tmp_path / "cache")
    workspace.start()
    assert workspace.wait_until_settled(SECONDS)
    walks: list[Rules] = []
    really_walk = Rules.walk

    def walk(rules: Rules) -> Iterator[FoundFile]:
        walks.append(rules)
        return really_walk(rules)

    monkeypatch.setattr(Rules, "walk", walk)
    for number in range(8):
        (root / f"out/made_{number}").mkdir()
        (root / f"src/empty_{number}").mkdir()
    (root / "out/deep/c.py").unlink()
    write_tree(root, {"src/after.py": "def after_it(): ...\n"})
    assert wait_for(lambda: bool(workspace.view().definitions(["after_it"], 3)))
    assert workspace.wait_until_settled(SECONDS)
    assert walks == []
    workspace.close()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EMFILE])
def test_at_a_limit_of_the_system_the_disk_is_read_again_and_again_and_the_user_is_told(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    def refuse(*_arguments: object) -> int:
        raise OSError(number, "no more")

    monkeypatch.setattr("context.index.inotify_watch.INotify.add_watch", refuse)
    workspace = Workspace(root, tmp_path / "cache", rescan_s=0.1)
    workspace.start()
    assert workspace.wait_until_settled(SECONDS)
    assert workspace.state().watch_limit.startswith("Linux lets no")
    assert "it is read again every minute" in caplog.text
    write_tree(root, {"src/later.py": "def later_on(): ...\n"})
    assert wait_for(lambda: bool(workspace.view().definitions(["later_on"], 3)))
    assert caplog.text.count("is not watched") == 1  # to try again at once would take other programs' watches
    workspace.close()


def test_at_a_limit_that_is_met_later_the_disk_is_read_again_soon(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(root, tmp_path / "cache", rescan_s=0.1)
    workspace.start()
    assert wait_for(lambda: bool(workspace.view().definitions(["x"], 3)))
    assert workspace.wait_until_settled(SECONDS)

    def refuse(*_arguments: object) -> int:
        raise OSError(errno.ENOSPC, "no more")

    monkeypatch.setattr("context.index.inotify_watch.INotify.add_watch", refuse)
    write_tree(root, {"new/later.py": "def later_on(): ...\n"})
    assert wait_for(lambda: bool(workspace.view().definitions(["later_on"], 3)))
    assert workspace.state().watch_limit.startswith("Linux lets no")
    workspace.close()


def test_where_the_system_gives_no_file_for_a_watch_the_disk_is_read_again_and_again(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> tuple[int, int]:
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr("context.index.inotify_watch.os.pipe", refuse)
    workspace = Workspace(root, tmp_path / "cache", rescan_s=0.1)
    workspace.start()
    assert wait_for(lambda: bool(workspace.view().definitions(["x"], 3)))
    write_tree(root, {"src/later.py": "def later_on(): ...\n"})
    assert wait_for(lambda: bool(workspace.view().definitions(["later_on"], 3)))
    workspace.close()


def test_where_the_system_watches_whole_trees_changes_in_ignored_folders_are_not_told(
    root: Path, changes: list[str]
) -> None:
    watch = WatchdogWatch(root, Rules(root), changes.append)
    write_tree(root, {"out/new.py": "x = 1\n", "src/last.py": "x = 1\n"})
    assert wait_for(lambda: "src/last.py" in changes)
    assert not any(path.startswith("out") for path in changes)
    watch.close()


def test_an_ignore_file_above_the_root_is_followed(tmp_path: Path) -> None:
    files = {".git/HEAD": "ref: a\n", ".gitignore": "", "app/plan.py": "def plan_of(): ...\n"}
    top = write_tree(tmp_path / "top", files)
    workspace = Workspace(top / "app", tmp_path / "cache")
    workspace.start()
    assert workspace.wait_until_settled(SECONDS)
    assert workspace.may_name("plan.py")
    write_tree(top, {".gitignore": "plan.py\n"})
    assert wait_for(lambda: not workspace.may_name("plan.py") and not workspace.view().existing(["plan.py"]))
    workspace.close()
