import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from context.child_process import NoChildError
from context.index import indexer_process
from context.index.database import index_path
from context.index.explain import explain
from context.index.index import Index, Report
from context.index.indexer_process import IndexerError, IndexerProcess
from context.index.view import View
from context.index.workspace import Workspace
from tests.context.tree import SECONDS, write_tree
from tests.processes import has_ended

CODE = Path(__file__).parents[3]
# Reads for ever within C code, which holds the interpreter; the kernel's timer is set to a second.
FREEZE = """
import re, signal
set_timer = signal.setitimer
signal.setitimer = lambda which, seconds: set_timer(which, min(seconds, 1.0))
import context.rules.rules as rules
read = rules.Rules.read
def freeze(self, path):
    if path == "bomb.py":
        re.match("(a+)+$", "a" * 60 + "b")
    return read(self, path)
rules.Rules.read = freeze
"""


@pytest.fixture
def patch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The code that the process runs first. It keeps the test's priority: the test waits for it on a busy machine."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "patch"))
    folder = write_tree(tmp_path / "patch", {"sitecustomize.py": "import os\nos.nice = lambda by: 0\n"})
    return folder / "sitecustomize.py"


@pytest.fixture
def indexer(patch: Path) -> Iterator[IndexerProcess]:
    indexer = IndexerProcess()
    yield indexer
    indexer.close()
    assert indexer.pid is None


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "root", {"a.py": "def first(): ...\n", "bomb.py": "def bomb(): ...\n"})


def settled_workspace(root: Path, tmp_path: Path, indexer: IndexerProcess) -> Workspace:
    """Return a workspace that the process has indexed."""
    workspace = Workspace(root, tmp_path / "cache", indexer=indexer)
    workspace.start()
    assert workspace.wait_until_settled(SECONDS)
    return workspace


def knows(workspace: Workspace, name: str) -> bool:
    return bool(workspace.view().definitions([name], 9))


def wait_for(condition: Callable[[], bool]) -> bool:
    end = monotonic() + SECONDS
    while not condition() and monotonic() < end:
        sleep(0.02)
    return condition()


def test_a_workspace_is_indexed_and_followed_by_another_process(
    root: Path, tmp_path: Path, indexer: IndexerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Index, "update", None)  # this process writes nothing
    monkeypatch.setattr(Index, "refresh", None)
    seen: list[tuple[int, int]] = []
    workspace = Workspace(root, tmp_path / "cache", lambda done, total: seen.append((done, total)), indexer)
    assert indexer.pid is None
    workspace.start()
    assert workspace.wait_until_settled(SECONDS)
    assert knows(workspace, "first")
    assert seen[-1] == (0, 0)
    write_tree(root, {"new/b.py": "def second(): ...\n"})
    assert wait_for(lambda: knows(workspace, "second"))
    workspace.close()


def test_the_process_is_started_again_when_it_was_killed(root: Path, tmp_path: Path, indexer: IndexerProcess) -> None:
    workspace = settled_workspace(root, tmp_path, indexer)
    killed = indexer.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    write_tree(root, {"a.py": "def second(): ...\n"})
    assert wait_for(lambda: knows(workspace, "second"))
    assert indexer.pid != killed
    workspace.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the timer's signal is the same, its clock is not")
def test_a_file_that_freezes_the_process_is_left_out_and_the_others_are_indexed(
    root: Path, tmp_path: Path, indexer: IndexerProcess, patch: Path
) -> None:
    patch.write_text(patch.read_text() + FREEZE)
    write_tree(root, {"z.py": "def last(): ...\n"})
    workspace = settled_workspace(root, tmp_path, indexer)
    assert [knows(workspace, name) for name in ("first", "bomb", "last")] == [True, False, True]
    assert explain(root, "bomb.py", tmp_path / "cache").why.startswith("Midspan's process ended")
    workspace.close()


def test_a_broken_index_is_made_again_by_the_process_and_read_by_this_one(
    root: Path, tmp_path: Path, indexer: IndexerProcess
) -> None:
    workspace = settled_workspace(root, tmp_path, indexer)
    index_path(root, tmp_path / "cache").write_bytes(b"no database at all" * 4000)
    workspace.mark_dirty("")
    assert wait_for(lambda: workspace.wait_until_settled(0) and knows(workspace, "first"))
    workspace.close()


def test_an_index_that_somebody_deletes_is_made_again_at_the_next_change(
    root: Path, tmp_path: Path, indexer: IndexerProcess
) -> None:
    workspace = settled_workspace(root, tmp_path, indexer)
    shutil.rmtree(tmp_path / "cache")
    write_tree(root, {"b.py": "def second(): ...\n"})
    assert wait_for(lambda: knows(workspace, "second"))
    assert wait_for(lambda: knows(workspace, "first"))
    workspace.close()


def test_without_a_thread_that_hears_the_process_a_job_fails_and_the_next_one_is_done(
    root: Path, tmp_path: Path, indexer: IndexerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(NoChildError):
            indexer.run(root, index_path(root, tmp_path / "cache"), None)
    assert indexer.pid is None
    assert indexer.run(root, index_path(root, tmp_path / "cache"), None) == Report(added=2)


def test_a_job_that_is_stopped_ends_early_and_a_job_that_fails_says_why(
    root: Path, tmp_path: Path, indexer: IndexerProcess
) -> None:
    database = index_path(root, tmp_path / "cache")
    assert indexer.run(root, database, None, should_stop=lambda: True) == Report()
    assert indexer.run(root, database, None) == Report(added=2)
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(IndexerError, match="file"):
        indexer.run(root, tmp_path / "file" / "x.sqlite3", None)
    index = Index(database)
    assert View(index).existing(["a.py"]) == {"a.py"}
    index.close()


def test_a_process_that_has_grown_large_ends_when_it_has_nothing_to_do(
    root: Path, tmp_path: Path, indexer: IndexerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = index_path(root, tmp_path)
    indexer.run(root, database, None)
    sleep(0.3)
    first = indexer.pid
    assert first is not None  # the next job needs no other
    monkeypatch.setattr(indexer_process, "_MOST_IDLE_BYTES", 1 << 20)
    indexer.run(root, database, ["a.py"])
    assert wait_for(lambda: indexer.pid is None and has_ended(first))
    (root / "later.py").write_text("def later(): ...\n")
    assert indexer.run(root, database, ["later.py"]) == Report(added=1)


def test_the_process_ends_with_the_one_that_started_it_and_no_file_is_blamed(root: Path, tmp_path: Path) -> None:
    write_tree(root, {f"m{number}.py": "x = 1\n" * 3000 for number in range(3000)})
    code = f"""
        import time
        from pathlib import Path
        from context.index.indexer_process import IndexerProcess
        from context.index.workspace import Workspace
        indexer = IndexerProcess()
        workspace = Workspace(Path({str(root)!r}), Path({str(tmp_path / "cache")!r}), indexer=indexer)
        workspace.start()
        while indexer.pid is None:
            time.sleep(0.01)
        time.sleep(0.5)
        print(indexer.pid, flush=True)
        time.sleep(600)
    """
    environment = os.environ | {"PYTHONPATH": str(CODE)}
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert wait_for(lambda: has_ended(pid))
    assert not list((tmp_path / "cache").glob("*.quarantine"))
    assert not list((tmp_path / "cache").glob("*.working*"))
