import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.index.index import Index, Report
from context.index.watch import Watch, start_watch
from context.index.workspace import Workspace
from context.related.collect import collect
from context.rules.rules import FoundFile, Rules
from tests.context.tree import GENERATED, SECONDS, bytes_on_disk, write_tree

Open = Callable[..., Workspace]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "root", {"a.py": "def first_one(): ...\n", "inner/b.py": "def second_one(): ...\n"})


@pytest.fixture
def opened(root: Path, tmp_path: Path) -> Iterator[Open]:
    made: list[Workspace] = []

    def open_workspace(rescan_s: float = 60.0) -> Workspace:
        workspace = Workspace(root, tmp_path / "cache", rescan_s=rescan_s)
        made.append(workspace)
        workspace.start()
        assert workspace.wait_until_settled(SECONDS)
        return workspace

    yield open_workspace
    for workspace in made:
        workspace.close()


def knows(workspace: Workspace, name: str) -> bool:
    return bool(workspace.view().definitions([name], 9))


def wait_for(condition: Callable[[], bool]) -> bool:
    end = monotonic() + SECONDS
    while not condition() and monotonic() < end:
        sleep(0.02)
    return condition()


def test_the_disk_is_followed_without_a_word_from_the_editor(opened: Open, root: Path) -> None:
    workspace = opened()
    assert knows(workspace, "first_one")
    write_tree(root, {"a.py": "def changed_one(): ...\n", "new/deep/c.py": "def third_one(): ...\n"})
    assert wait_for(lambda: knows(workspace, "changed_one") and knows(workspace, "third_one"))
    assert not knows(workspace, "first_one")
    (root / "inner/b.py").unlink()
    assert wait_for(lambda: not knows(workspace, "second_one"))
    (root / "new").rename(root / "moved")
    places = ["moved/deep/c.py", "new/deep/c.py"]
    assert wait_for(lambda: workspace.view().existing(places) == {"moved/deep/c.py"})


def test_a_branch_switch_settles_in_few_walks(opened: Open, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = opened()
    walks: list[Rules] = []
    really_walk = Rules.walk

    def walk(rules: Rules) -> Iterator[FoundFile]:
        walks.append(rules)
        return really_walk(rules)

    monkeypatch.setattr(Rules, "walk", walk)
    # One burst, however slow the machine is.
    monkeypatch.setattr("context.index.workspace._SETTLE_SECONDS", 2.0)
    monkeypatch.setattr("context.index.workspace._MAX_SETTLE_SECONDS", SECONDS)
    write_tree(root, {f"many/m{n}.py": f"def many_{n}(): ...\n" for n in range(700)})
    assert wait_for(lambda: knows(workspace, "many_699"))
    assert workspace.wait_until_settled(SECONDS)
    assert 1 <= len(walks) <= 3


def test_a_rule_that_begins_to_match_takes_text_out_of_prompts_and_disk(
    opened: Open, root: Path, tmp_path: Path
) -> None:
    workspace = opened()
    document = Document("here.py", "first_one(second_one())\n", "python", 1)

    def shown() -> set[str]:
        return {snippet.path for snippet in collect(Snapshot(document, 5), workspace)}

    assert shown() == {"a.py", "inner/b.py"}
    write_tree(root, {".gitignore": "inner/\n"})
    assert wait_for(lambda: not knows(workspace, "second_one"))
    assert shown() == {"a.py"}
    assert not workspace.may_name("inner/b.py")
    write_tree(root, {"a.py": f"{GENERATED}def first_one(): ...\n"})
    assert wait_for(lambda: not knows(workspace, "first_one"))
    assert shown() == set()
    assert workspace.wait_until_settled(SECONDS)
    assert b"second_one" not in bytes_on_disk(tmp_path / "cache")
    assert b"first_one" not in bytes_on_disk(tmp_path / "cache")


def test_a_workspace_that_is_deleted_and_comes_back(opened: Open, root: Path) -> None:
    workspace = opened(rescan_s=0.1)
    shutil.rmtree(root)
    assert wait_for(lambda: not knows(workspace, "first_one"))
    assert collect(Snapshot(Document("x.py", "first_one\n", "python", 1), 0), workspace) == ()
    write_tree(root, {"back.py": "def came_back(): ...\n"})
    assert wait_for(lambda: knows(workspace, "came_back"))
    write_tree(root, {"again.py": "def followed_again(): ...\n"})
    assert wait_for(lambda: knows(workspace, "followed_again"))


def test_a_workspace_that_is_made_again_while_a_terminal_stands_in_the_deleted_one(opened: Open, root: Path) -> None:
    workspace = opened(rescan_s=0.1)
    standing = os.open(root, os.O_RDONLY)
    shutil.rmtree(root)
    write_tree(root, {"back.py": "def came_back(): ...\n"})
    assert wait_for(lambda: knows(workspace, "came_back"))
    write_tree(root, {"again.py": "def followed_again(): ...\n"})
    assert wait_for(lambda: knows(workspace, "followed_again"))
    os.close(standing)


@pytest.mark.parametrize("is_written", [False, True])
def test_what_fails_is_tried_again_and_what_was_written_until_then_is_known(
    opened: Open, root: Path, monkeypatch: pytest.MonkeyPatch, is_written: bool
) -> None:
    workspace = opened(rescan_s=0.1)
    assert workspace.view().whole_text("a.py") == "def first_one(): ...\n"
    really_refresh, failed = Index.refresh, threading.Event()

    def refresh(index: Index, rules: Rules, paths: list[str]) -> Report:
        report = really_refresh(index, rules, paths) if is_written or failed.is_set() else Report()
        if failed.is_set():
            return report
        failed.set()
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Index, "refresh", refresh)
    write_tree(root, {"a.py": "def other_one(): ...\n"})
    assert failed.wait(SECONDS)
    assert wait_for(lambda: workspace.view().whole_text("a.py") == "def other_one(): ...\n")


def test_buffers_win_over_the_disk(opened: Open) -> None:
    workspace = opened()
    view = workspace.view([Document("a.py", "def unsaved(): ...\n", "python", 2)])
    assert view.definitions(["unsaved", "first_one"], 9).keys() == {"unsaved"}
    assert view.whole_text("a.py") == "def unsaved(): ...\n"


def test_a_database_that_breaks_under_the_daemon_is_made_again(opened: Open, tmp_path: Path) -> None:
    workspace = opened()
    (path,) = (tmp_path / "cache").glob("*.sqlite3")
    path.write_bytes(b"no database at all" * 4000)
    workspace.mark_dirty("")
    assert wait_for(lambda: knows(workspace, "first_one"))


def test_without_a_place_for_the_index_the_buffers_are_known(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    workspace = Workspace(root, tmp_path / "file" / "cache")
    workspace.start()
    other = Document("b.py", "def buffered(): ...\n", "python", 1)
    snapshot = Snapshot(Document("x.py", "buffered()\n", "python", 1), 0, (other,))
    assert {snippet.path for snippet in collect(snapshot, workspace)} == {"b.py"}
    workspace.close()


def test_closing_in_the_middle_of_the_work_ends_the_thread(root: Path, tmp_path: Path) -> None:
    write_tree(root, {f"m{n}.py": "x = 1\n" for n in range(400)})
    begun = threading.Event()
    others = set(threading.enumerate())
    workspace = Workspace(root, tmp_path / "cache", lambda done, total: begun.set())
    workspace.start()
    assert begun.wait(SECONDS)
    workspace.close()
    workspace.close()
    assert not any(thread.name == "midspan-workspace" for thread in set(threading.enumerate()) - others)


def test_closing_while_the_watch_begins_leaves_no_watch(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_go_on = threading.Event(), threading.Event()
    watches: list[Watch] = []

    def start_late(folder: Path, rules: Rules, on_change: Callable[[str], None]) -> Watch:
        begun.set()
        assert may_go_on.wait(SECONDS)
        watches.append(start_watch(folder, rules, on_change))
        return watches[-1]

    monkeypatch.setattr("context.index.workspace.start_watch", start_late)
    workspace = Workspace(root, tmp_path / "cache")
    workspace.start()
    assert begun.wait(SECONDS)
    closing = threading.Thread(target=workspace.close)
    closing.start()
    assert wait_for(lambda: workspace._closing)
    may_go_on.set()
    closing.join(SECONDS)
    assert [watch.is_alive for watch in watches] == [False]
