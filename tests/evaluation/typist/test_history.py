"""The lines that commits add are typed in the state before each, with its index; what was changed or moved is not."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from context.index import workspace
from context.index.watch import start_watch
from context.index.workspace import Workspace
from evaluation import evaluate
from evaluation.typist.history import Commits, passages_of_commit, workplaces_of
from evaluation.typist.workplace import open_in_turn
from lsp_server.cli.main import main
from midspan import SettingsError
from tests.fake_engine import FakeEngine, read_prompt

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git makes the history")

FIRST = {
    "area.py": "WIDTH = 3\n\n\ndef moved_along(name):\n    return name\n\n\nprint(WIDTH)\n",
    "other.py": "import area\n",
}
SECOND = {
    "area.py": "WIDTH = 4\nHEIGHT = 5\n\n\ndef area(width):\n    return width * HEIGHT\n\n\nprint(WIDTH)\n",
    "other.py": "import area\n\n\ndef moved_along(name):\n    return name\n",
    "new.ts": "export const made = 1;",
    "tests/test_area.py": "import area\n",
}
THIRD = {"other.py": SECOND["other.py"] + "\n\ndef last_of_all():\n    pass\n"}


def git(root: Path, *words: str) -> str:
    words = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "core.hooksPath=", *words)
    return subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True, text=True).stdout.strip()


def commit(root: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    git(root, "add", ".")
    git(root, "commit", "-q", "--no-gpg-sign", "-m", "change")
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> tuple[Path, Sequence[str]]:
    root = tmp_path / "made"
    root.mkdir()
    git(root, "init", "-q")
    return root, [commit(root, files) for files in (FIRST, SECOND, THIRD)]


def test_a_commits_new_lines_are_typed_between_what_it_says_above_and_what_stood_below(
    repository: tuple[Path, Sequence[str]],
) -> None:
    root, (_, second, third) = repository
    passages = {(each.path, each.typed): each for each in passages_of_commit(root, second)}
    assert [*passages] == [("new.ts", SECOND["new.ts"])], "the rest of area.py is changed or moved"
    (last,) = passages_of_commit(root, third)
    assert last.typed == "def last_of_all():\n    pass"
    assert last.text == THIRD["other.py"]


def test_the_passages_of_one_hunk_are_typed_one_after_the_other(repository: tuple[Path, Sequence[str]]) -> None:
    root, _ = repository
    added = "import os\n\nFOUND = os.environ\n\n"
    last = commit(root, {"area.py": added + SECOND["area.py"]})
    one, other = passages_of_commit(root, last)
    assert (one.typed, one.text) == ("import os", "import os\n" + SECOND["area.py"])
    assert (other.typed, other.text) == ("FOUND = os.environ", added[:-1] + SECOND["area.py"])


def test_each_workplace_has_the_files_and_the_index_of_the_state_before(
    repository: tuple[Path, Sequence[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # A watch may be late: here it never reports.
    monkeypatch.setattr(workspace, "start_watch", lambda root, rules, _on_change: start_watch(root, rules, print))
    root, (_, second, third) = repository
    git(root, "checkout", "-q", "--detach")
    clone = tmp_path / "clone"
    places = workplaces_of(Commits(root, 9), 0, 16, clone)
    assert [(place.name, place.passages[0].repository) for place in places] == [
        ("made, .ts", second),
        ("made, .py", third),
    ]
    assert workplaces_of(Commits(root, 9), 0, 16, clone)[0].passages == places[0].passages
    (one,) = workplaces_of(Commits(root, 1), 0, 16, clone)
    assert one.passages in [place.passages for place in places]
    found = []
    with open_in_turn(places) as (workspaces, entered):
        for place in entered:
            ((opened, _),) = workspaces.opened()
            assert (place.root / "area.py").read_text() == (FIRST if place.name == "made, .ts" else SECOND)["area.py"]
            found.append({path: definitions_in(opened, path) for path in ("area.py", "other.py")})
    assert found == [
        {"area.py": ["WIDTH", "moved_along"], "other.py": []},
        {"area.py": ["WIDTH", "HEIGHT", "area"], "other.py": ["moved_along"]},
    ]
    assert git(root, "status", "--porcelain") == ""


def definitions_in(opened: Workspace, path: str) -> list[str]:
    return [definition.symbol.name for definition in opened.view().definitions_in(path)]


def test_the_command_types_what_the_history_of_this_folder_has(
    repository: tuple[Path, Sequence[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    root, _ = repository
    monkeypatch.chdir(root)
    monkeypatch.setattr(evaluate, "digest_weights", lambda _engine, _settings: "digest")
    engine = FakeEngine(lambda before, _after: "ass" if before.endswith("    p") else "", confidence=0.9)
    monkeypatch.setattr(evaluate, "start_engine", lambda _settings: engine)
    assert main(["eval", "typing", "--commits", "2", "--lines", "0", "--out", str(tmp_path)]) == 0
    figures = json.loads((tmp_path / "typing.json").read_text(encoding="utf-8"))
    assert figures["command"] == "midspan eval typing --lines 0 --seed 16 --commits 2"
    assert {name: row["lines"] for name, row in figures["repositories"].items()} == {"made, .ts": 1, "made, .py": 2}
    assert engine.requests
    assert all("last_of_all" not in read_prompt(request)[1] for request in engine.requests)


def test_without_a_repository_or_lines_it_says_so(tmp_path: Path, repository: tuple[Path, Sequence[str]]) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(SettingsError, match="needs a repository of git"):
        workplaces_of(Commits(tmp_path / "none", 1), 0, 16, tmp_path / "clone")
    root, _ = repository
    git(root, "checkout", "-q", "--orphan", "empty")
    git(root, "rm", "-rfq", ".")
    commit(root, {"README.md": "a\n"})
    commit(root, {"README.md": "a\nb\n"})
    with pytest.raises(SettingsError, match=r"adds lines in files that end with \.py"):
        workplaces_of(Commits(root, 1), 0, 16, tmp_path / "clone")
