"""The hunks of two releases: what a document may ask for, and what is left out."""

import json
from pathlib import Path

import pytest

from training.corpus.build_changes import find_changes
from training.corpus.changes import ChangedFile, find_hunks, load_changes, write_changes
from training.corpus.duplicates import shingle
from training.packages.package import Package

AROUND = "alpha = 1\nbeta = alpha\n"


def hunks_of(old: str, new: str, path: str = "p/a.py") -> list[tuple[str, bool]]:
    found = find_hunks(path, AROUND + old + AROUND, AROUND + new + AROUND)
    return [(hunk.new, hunk.is_target) for hunk in found]


@pytest.mark.parametrize(
    ("old", "new", "is_target"),
    [
        ("call(a)\n", "call(a, b)\n", True),
        ("", "import json\n", True),
        ("call(a)\n", "call(a)  # now\n", False),
        ("# One.\n", "# Two.\n", False),
        ('"""One."""\n', '"""Two.\n\nMore.\n"""\n', False),
        ('"""One."""\n', '"""One."""\ncall(more)\n', True),
        ('version = "1.2"\n', 'version = "1.2.3"\n', False),
        ("call(a, b)\n", "call(\n    a,\n    b,\n)\n", False),
        ("call('a')\n", 'call("a")\n', False),
        ("call(a)\n", "".join(f"call_{i}()\n" for i in "abcdefgh"), True),
        ("call(a)\n", "".join(f"call_{i}()\n" for i in "abcdefghi"), False),
        ("call('# a')\n", "call('# b')\n", True),
    ],
)
def test_a_target_changes_code_in_few_lines(old: str, new: str, is_target: bool) -> None:
    assert [is_target for _, is_target in hunks_of(old, new)] == [is_target]


def test_prose_of_other_languages_is_known_too() -> None:
    assert hunks_of("// One.\n", "// Two.\n", "a.ts") == [("// Two.\n", False)]
    assert hunks_of("/* One. */\n", "/* Two.\n * More. */\n", "a.ts") == [("/* Two.\n * More. */\n", False)]
    assert hunks_of('go("//a");\n', 'go("//b");\n', "a.ts") == [('go("//b");\n', True)]


def test_removed_lines_are_a_change_but_no_target() -> None:
    assert hunks_of("call(a)\n", "") == [("", False)]


def test_any_of_the_hunks_can_be_made() -> None:
    old = "".join(f"name_{i}\n" for i in range(30))
    new = old.replace("name_3\n", "").replace("name_9\n", "other\n").replace("name_20\n", "name_20\nmore\n")
    file = ChangedFile("a.py", old, (), find_hunks("a.py", old, new))
    assert file.new == new
    assert "".join(file.lines_with(())) == old
    assert "".join(file.lines_with({1})) == old.replace("name_9\n", "other\n")
    assert "".join(file.lines_with({0, 1, 2}, 0, 9)) == "".join(f"name_{i}\n" for i in range(9) if i != 3)
    assert [hunk.grown for hunk in file.hunks] == [-1, 0, 1]


def make_package(texts: dict[str, str]) -> Package:
    return Package("thing", "1", "MIT", {path: text.encode() for path, text in texts.items()})


def test_the_changed_files_and_what_they_import_are_kept() -> None:
    body = "".join(f"value_{name} = compute_{name}(alpha)\n" for name in ("a", "b", "c", "d", "e", "f", "g", "h", "i"))
    old = {
        "thing/used.py": body.replace("value", "used"),
        "thing/alone.py": body.replace("value", "alone"),
        "thing/changed.py": "from thing.used import used_a\n" + body,
        "thing/held.py": body.replace("value", "held"),
        "thing/rewritten.py": body.replace("value", "rewritten"),
        "thing/gone.py": body.replace("value", "gone"),
    }
    new = {
        **{path: text for path, text in old.items() if path != "thing/gone.py"},
        "thing/changed.py": old["thing/changed.py"] + "more = used_a\n",
        "thing/held.py": old["thing/held.py"] + "more = 2\n",
        "thing/rewritten.py": body.replace("value", "another"),
        "thing/added.py": body.replace("value", "added"),
    }
    held_out = shingle(old["thing/held.py"])
    files = find_changes(make_package(old), make_package(new), held_out, set())
    assert {file.path: file.old != "" for file in files} == {
        "thing/used.py": True,
        "thing/changed.py": True,
        "thing/added.py": False,
    }
    changed = next(file for file in files if file.path == "thing/changed.py")
    assert [files[index].path for index in changed.imports] == ["thing/used.py"]
    assert all(file.new == new[file.path] for file in files)


def test_changes_are_read_as_they_were_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert load_changes("train") == []
    file = ChangedFile("a.py", "x = 1\n", (0,), find_hunks("a.py", "x = 1\n", "x = a\n"))
    path = tmp_path / "midspan" / "training" / "corpus" / "releases" / "train" / "a.json"
    write_changes(path, [file])
    assert json.loads(path.read_text("utf-8"))[0]["path"] == "a.py"
    assert load_changes("train") == [[file]]
    assert load_changes("held_out") == []
