import os
import random
import subprocess
from pathlib import Path

import pytest

from context.rules.git_pattern import bytewise, read_pattern
from context.rules.ignore import IgnoreFiles
from context.rules.rules import Rules
from tests.context.tree import write_tree

NAMES = [
    "a",
    "b",
    "foo",
    "foo.py",
    "x.log",
    "build",
    "a b",
    "[x]",
    "#x",
    "!x",
    "a\\b",
    "ü",
    "-",
    "*",
    "a\nb",
    " a",
    "a ",
]
SEGMENTS = [
    *("a", "b", "foo", "foo.py", "x.log", "build", "*", "**", "***", "*.log", "f*", "?", "[ab]", "fo?", "*o*"),
    *("[!a]", "[^a-c]", "[]x]", "[a-", "\\*", "\\#x", "\\!x", "a\\b", "a\\ ", "[[:alpha:]]", "[[:no:]]", "a[!x]b", "ü"),
    *(
        "?b",
        "a?b",
        "[z-a]",
        "**a",
        "a**",
        "f[o-",
        "[\\]x]",
        "[!]",
        " a",
        "a ",
        "\t",
        "[a-c-e]",
        "[[:digit:]-z]",
        "[[:]",
    ),
]


def random_line(rng: random.Random) -> str:
    path = "/".join(rng.choice(SEGMENTS) for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 4])))
    start = rng.choice(["", "", "", "", "!", "!", "/", "!/", "#"])
    return start + path + rng.choice(["", "", "", "/", "/", "  ", "\r", "\\"])


def grow(root: Path, rng: random.Random) -> list[tuple[tuple[str, ...], bool]]:
    """Write folders, files and ignore files; return their paths and which of them are folders."""
    folders: list[tuple[str, ...]] = [()]
    files: list[tuple[str, ...]] = []
    for _ in range(14):
        folder = (*rng.choice(folders), rng.choice(NAMES))
        if len(folder) < 6 and folder not in folders:
            root.joinpath(*folder).mkdir()
            folders.append(folder)
    for folder in folders:
        for name in rng.sample(NAMES, 4):
            if (*folder, name) not in folders:
                root.joinpath(*folder, name).write_text("")
                files.append((*folder, name))
        if not folder or rng.random() < 0.3:
            lines = [random_line(rng) for _ in range(rng.choice([1, 2, 4]))]
            root.joinpath(*folder, ".gitignore").write_text(rng.choice(["", "\ufeff"]) + "\n".join(lines), newline="")
    return [*((path, True) for path in folders[1:]), *((path, False) for path in files)]


def ask_git(root: Path, paths: list[str]) -> dict[str, str | None]:
    """Return for each path the ignore file and the line that ignore it or its folder, as git says it."""
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    answer = subprocess.run(
        ["git", "-C", str(root), "check-ignore", "-v", "-n", "-z", "--no-index", "--stdin"],
        input="".join(f"{path}\0" for path in paths).encode(), capture_output=True,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
    ).stdout.decode().split("\0")  # fmt: skip
    said = zip(answer[0::4], answer[1::4], answer[2::4], answer[3::4], strict=False)
    return {
        path: f"{file}, line {line}" if file and not pattern.startswith("!") else None
        for file, line, pattern, path in said
    }


def ask_us(ignored: IgnoreFiles, parts: tuple[str, ...], is_folder: bool) -> str | None:
    for depth in range(1, len(parts) + 1):
        if reason := ignored.reason(parts[:depth], is_folder or depth < len(parts)):
            return reason.split(": ")[0]
    return None


@pytest.mark.parametrize("seed", range(8))
def test_git_agrees_about_every_path_and_line_of_random_trees(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    for number in range(5):
        root = tmp_path / str(number)
        root.mkdir()
        paths = grow(root, rng)
        said = ask_git(root, ["/".join(parts) for parts, _ in paths])
        ignored = IgnoreFiles(root, ".gitignore")
        assert {"/".join(parts): ask_us(ignored, parts, is_folder) for parts, is_folder in paths} == said


@pytest.mark.parametrize(
    ("line", "path", "is_folder", "matches"),
    [
        ("foo", "foo/bar", False, False),  # its folder is judged before it
        ("foo", "foo/foo", False, True),
        ("*", "a/b", False, True),
        ("a/**", "a", True, False),
        ("a/**/", "a/x/y", True, True),
        ("a/***/b", "a/x/y/b", False, True),
        ("a[!x]b", "a/b", False, False),
        ("[[:alpha:]]x", "ax", False, True),
        ("[z-a]", "z", False, True),
        ("[z-a]", "m", False, False),
        (r"[a\]]", "]", False, True),
        ("secret.py", "two\nlines/secret.py", False, True),
        ("a\\ ", "a ", False, True),
        ("a  ", "a", False, True),
    ],
)
def test_a_pattern_names_the_path_itself(line: str, path: str, is_folder: bool, matches: bool) -> None:
    pattern = read_pattern(line)
    assert pattern is not None
    path = bytewise(path)
    assert pattern.matches(path, path.rsplit("/", 1)[-1], is_folder) is matches


@pytest.mark.parametrize("line", ["", "#x", "/", "!", "a\\", "[a", "[[:letter:]]"])
def test_a_line_that_names_nothing_is_no_pattern(line: str) -> None:
    assert read_pattern(line) is None


@pytest.mark.parametrize(("line", "path"), [("*a" * 40 + "b", "a" * 250), ("**/a/" * 40 + "b", "a/" * 1000 + "c")])
def test_a_hostile_pattern_takes_no_long_time(line: str, path: str) -> None:
    pattern = read_pattern(line)
    assert pattern is not None
    assert not pattern.matches(path, path.rsplit("/", 1)[-1], is_folder=False)  # without the commitment, for ever


def test_a_line_that_is_no_regular_expression_does_not_end_the_reading(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {".gitignore": "[z-a]*\n*.log\n", "a.log": "", "b.py": ""})
    assert [file.path for file in Rules(root).walk()] == [".gitignore", "b.py"]


def test_an_ignore_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {".gitignore": "\ufeff*.log\n", "a.log": "", "b.py": ""})
    assert Rules(root).why("a.log").why == ".gitignore, line 1: *.log"
