import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from context.index.database import index_path
from context.index.explain import explain
from context.index.index import Index
from context.index.quarantine import clear_quarantine, quarantined
from context.index.view import View
from context.rules.rules import Rules, Verdict
from tests.context.tree import SECONDS, indexed, write_tree

FILES = {"a.py": "def first(): ...\n", "bomb.py": "def bomb(): ...\n", "z.py": "def last(): ...\n"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "root", FILES)


def die_while_reading(root: Path, cache: Path) -> None:
    """Index in a process that kills itself when it reads bomb.py, as the kernel would."""
    code = f"""
        import os
        from pathlib import Path
        from context.index.database import index_path
        from context.index.index import Index
        from context.rules.rules import Rules
        read = Rules.read
        def die(rules, path):
            if path == "bomb.py":
                os.kill(os.getpid(), {int(signal.SIGKILL)})
            return read(rules, path)
        Rules.read = die
        Index(index_path(Path({str(root)!r}), Path({str(cache)!r}))).update(Rules(Path({str(root)!r})))
    """
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env=environment, timeout=SECONDS)
    assert done.returncode == -signal.SIGKILL


def test_the_file_at_which_a_process_died_is_not_read_again_until_it_changes(root: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    die_while_reading(root, cache)
    index, view = indexed(root, cache)
    assert view.definitions(["first", "bomb", "last"], 3).keys() == {"first", "last"}
    verdict = explain(root, "bomb.py", cache)
    assert not verdict.included
    assert verdict.why.startswith("Midspan's process ended while it read the file; it is read again when it changes")
    write_tree(root, {"bomb.py": "def harmless_now(): ...\n"})
    index.update(Rules(root))
    assert "harmless_now" in view.definitions(["harmless_now"], 3)
    assert explain(root, "bomb.py", cache).included
    index.close()
    assert not list(cache.glob("*.working*"))


def test_the_list_can_be_cleared(root: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    die_while_reading(root, cache)
    indexed(root, cache)[0].close()
    database = index_path(root, cache)
    assert quarantined(database) == ["bomb.py"]
    assert clear_quarantine(database) == 1
    index, view = indexed(root, cache)
    assert "bomb" in view.definitions(["bomb"], 3)
    index.close()


def test_a_file_whose_reading_fails_is_left_out_and_the_others_are_indexed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_read = Rules.read

    def fail(rules: Rules, path: str) -> tuple[Verdict, str]:
        if path == "bomb.py":
            raise RecursionError
        return really_read(rules, path)

    monkeypatch.setattr(Rules, "read", fail)
    index, view = indexed(root, tmp_path / "cache")
    assert view.definitions(["first", "bomb", "last"], 3).keys() == {"first", "last"}
    assert "RecursionError" in explain(root, "bomb.py", tmp_path / "cache").why
    index.close()


def test_a_file_that_takes_too_long_to_read_and_judge_leaves_the_index(root: Path, tmp_path: Path) -> None:
    index, view = indexed(root, tmp_path / "cache")
    assert "bomb" in view.definitions(["bomb"], 3)
    write_tree(root, {"bomb.py": "def bomb_2(): ...\n"})
    index.close()
    index = Index(index_path(root, tmp_path / "cache"), file_s=-1.0)
    index.update(Rules(root))
    assert View(index).existing(FILES) == {"a.py", "z.py"}
    assert "takes longer than" in explain(root, "bomb.py", tmp_path / "cache").why
    index.close()


def test_a_broken_list_and_broken_notes_are_no_error(root: Path, tmp_path: Path) -> None:
    database = index_path(root, tmp_path / "cache")
    database.parent.mkdir()
    database.with_suffix(".quarantine").write_text("[1, 2")
    for number, content in enumerate([b"", b"\xff\xff", b"[1]", json.dumps([1, "x", None]).encode()]):
        database.with_suffix(f".working-{number}").write_bytes(content)
    index = Index(database)
    assert index.update(Rules(root)).added == 3
    index.close()
    assert not list(database.parent.glob("*.working*"))
