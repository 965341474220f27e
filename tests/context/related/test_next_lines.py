"""Texts that may stand at the cursor come from lines of the repository that begin the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.index.workspace import Workspace
from context.packer import ContextPacker
from context.related.next_lines import next_lines
from tests.context.tree import SECONDS, write_tree

TREE = {
    "one.py": "def a(items):\n    for item in items:\n        check(item)\n    return sorted(items)\n",
    "two.py": "def b(items):\n    for item in items:\n        print(item)\n    return set(items)\n",
    "three.py": "if ready:\n\tstart()\n\tfor item in items.all():\n\t\tstop(item)\n",
}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    workspace = Workspace(write_tree(tmp_path / "root", TREE), tmp_path / "cache")
    workspace.start()
    assert workspace.wait_until_settled(SECONDS)
    yield workspace
    workspace.close()


def at(marked: str, path: str = "here.py", *others: Document) -> Snapshot:
    before, after = marked.split("|")
    return Snapshot(Document(path, before + after, "python", 1), len(before), others)


def test_the_rest_of_lines_with_the_same_beginning(workspace: Workspace) -> None:
    found = next_lines(at("def c(items):\n    for item in items|\n"), workspace, max_lines=1)
    assert set(found) == {":", ".all():"}
    (several,) = next_lines(at("x = 1\nfor item in items.|\n"), workspace, max_lines=2)
    assert several == "all():\n\t\tstop(item)"


def test_the_lines_behind_the_same_line(workspace: Workspace) -> None:
    found = next_lines(at("def c(items):\n    for item in items:\n        |\n"), workspace, max_lines=1)
    assert set(found) == {"check(item)", "print(item)"}
    assert next_lines(at("def c(items):\n    for item in items:\n        pri|\n"), workspace, max_lines=1) == (
        "nt(item)",
    )


def test_a_place_with_more_of_the_lines_above_comes_first(workspace: Workspace) -> None:
    for name, wanted in (("a", "check(item)"), ("b", "print(item)")):
        here = at(f"def {name}(items):\n    for item in items:\n        |\n")
        assert next_lines(here, workspace, max_lines=1)[0] == wanted
    begun = at("if ready:\n\tstart()\n\tfor item in items|\n")
    assert next_lines(begun, workspace, max_lines=1)[0] == ".all():"


def test_the_index_is_not_asked_about_open_documents(workspace: Workspace) -> None:
    """Not of the document itself: what stood at the cursor before a deletion would come back."""
    here = "def b(items):\n    for item in items:\n        |\n    return set(items)\n"
    assert next_lines(at(here, "two.py"), workspace, max_lines=1) == ("check(item)",)
    other = Document("one.py", "", "python", 1)
    assert next_lines(at(here, "two.py", other), workspace, max_lines=1) == ()


def test_a_file_that_a_rule_excludes_by_now_is_left_out(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "_may_name", lambda path: path != "one.py")
    found = next_lines(at("def c(items):\n    for item in items:\n        |\n"), workspace, max_lines=1)
    assert found == ("print(item)",)


def test_line_ends_of_the_editor_and_a_packer_without_a_workspace(workspace: Workspace) -> None:
    here = at("def a(items):\r\n    for item in items:\r\n        |\r\n")
    assert next_lines(here, workspace, max_lines=1)[0] == "check(item)"
    assert ContextPacker(workspace).next_lines(here, 1) == next_lines(here, workspace, 1)
    assert ContextPacker(None).next_lines(here, 1) == ()
