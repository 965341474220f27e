import os
import random
import string
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from context.documents.document import Document
from context.rules.ignore import git_top
from context.rules.rules import Rules, judge_text
from context.rules.secret_names import secret_by_name
from tests.context.tree import write_tree

Tree = Callable[[dict[str, str]], Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    def make(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return make


def walked(root: Path) -> list[str]:
    return [file.path for file in Rules(root).walk()]


def random_text(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(string.ascii_letters + string.digits, k=length))


def test_ignore_files_count_at_every_level_and_say_which_line(tree: Tree) -> None:
    root = tree(
        {
            ".gitignore": "# build results\n*.log\nout/\n",
            ".midspanignore": "private/\n",
            "a.log": "",
            "a.py": "x = 1\n",
            "out/b.py": "",
            "deep/.gitignore": "!keep.log\n/local.py\n",
            "deep/keep.log": "kept\n",
            "deep/local.py": "",
            "deep/more/local.py": "y = 1\n",
            "private/c.py": "",
        }
    )
    rules = Rules(root)
    assert rules.why("a.log").why == ".gitignore, line 2: *.log"
    assert rules.why("out/b.py").why == "its folder out: .gitignore, line 3: out/"
    assert rules.why("deep/local.py").why == "deep/.gitignore, line 2: /local.py"
    assert rules.why("private/c.py").why == "its folder private: .midspanignore, line 1: private/"
    for name in ("a.py", "deep/keep.log", "deep/more/local.py"):
        assert rules.why(name).included, name
    assert set(walked(root)) >= {"a.py", "deep/keep.log", "deep/more/local.py"}
    assert not {"a.log", "out/b.py", "deep/local.py", "private/c.py"} & set(walked(root))


def test_a_pattern_that_is_wrong_does_not_undo_the_others(tree: Tree) -> None:
    root = tree({".gitignore": "!\n*.log\n\\\n", "a.log": "", "a.py": ""})
    assert Rules(root).why("a.log").why == ".gitignore, line 2: *.log"
    assert "a.py" in walked(root)


def test_rules_of_a_repository_around_the_workspace_count(tree: Tree) -> None:
    top = tree({".gitignore": "sub/gen_*\n", "sub/gen_a.py": "", "sub/b.py": "", ".git/info/exclude": "*.tmp\n"})
    tree({"sub/c.tmp": ""})
    assert walked(top / "sub") == ["b.py"]
    assert str(top / ".gitignore") in Rules(top / "sub").why("gen_a.py").why
    assert "exclude, line 1: *.tmp" in Rules(top / "sub").why("c.tmp").why


def test_git_agrees_about_random_trees(tmp_path: Path) -> None:
    rng = random.Random(5)
    names = ["a", "b", "c.py", "d.log", "build"]
    patterns = ["*.log", "/a", "b/", "!d.log", "a/b", "**/build", "c.*", "!c.py", "a/**", "!*/", "#x", "[ab]/c.py"]
    for round_number in range(40):
        root = tmp_path / str(round_number)
        root.mkdir()
        subprocess.run(["git", "init", "-q", str(root)], check=True)
        folders = [root]
        for _ in range(12):
            folder = rng.choice(folders) / rng.choice([*names[:2], "build"])
            if not folder.exists():
                folder.mkdir()
                folders.append(folder)
        for folder in folders:
            for name in names:
                if not (folder / name).exists():
                    (folder / name).write_text("")
            if rng.random() < 0.5:
                (folder / ".gitignore").write_text("\n".join(rng.choices(patterns, k=3)) + "\n")
        listed = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", "--others", "--exclude-standard"],
            capture_output=True, check=True, text=True,
        ).stdout.split("\0")  # fmt: skip
        assert sorted(walked(root)) == sorted(filter(None, listed))


@pytest.mark.parametrize(
    "name",
    [".env", ".env.production", "deploy/id_rsa", "tls/server.pem", "x.key", ".netrc", "credentials.json",
     ".aws/config", "terraform.tfstate", "ca.crt", "SECRETS.YAML", ".env_prod", "env.local", "docker-config.json",
     "credentials", "secrets.prod.json"],
)  # fmt: skip
def test_secrets_are_known_by_their_names(tree: Tree, name: str) -> None:
    root = tree({name: "x\n"})
    verdict = Rules(root).why(name)
    assert not verdict.included
    assert "secrets" in verdict.why or "credentials" in verdict.why
    assert walked(root) == []


SOURCE_SUFFIXES = """
py ts go rs java kt swift scala dart ex lua pl vue mjs m sh ps1 sql tf clj hs nim zig
""".split()  # noqa: SIM905 a list of these is a page long


@pytest.mark.parametrize(
    "name",
    [".env.example", "environment.yml", "keys.md", "docker-compose.yml", "env.py", "env.d.ts"]
    + [f"{stem}.{suffix}" for stem in ("secrets", "credentials") for suffix in SOURCE_SUFFIXES],
)
def test_source_code_about_secrets_is_not_one(name: str) -> None:
    assert secret_by_name(name) is None


def test_a_line_is_found_to_be_too_long_wherever_it_stands() -> None:
    rng = random.Random(3)
    for _ in range(200):
        lengths = rng.choices(
            [0, 3, 4_000, 9_999, 10_000, 10_001, 15_000], [6, 6, 3, 1, 3, 1, 1], k=rng.randrange(1, 9)
        )
        text = "\n".join("x" * length for length in lengths) + rng.choice(["", "\n", "\n" * 400])
        assert ("a line of more than" in (judge_text("a.py", text + "\n" * 900) or "")) == (max(lengths) > 10_000)


def test_generated_minified_binary_and_large_files_are_left_out_with_a_reason(tree: Tree) -> None:
    root = tree(
        {
            "gen.go": "// Code generated by protoc. DO NOT EDIT.\npackage x\n",
            "doc.py": "# This module explains how generated code is edited.\nx = 1\n",
            "app.min.js": "x\n",
            "wide.js": ("f(1);" * 400 + "\n") * 3,
            "blob.py": "x = 1\n" * 4000 + "b = '" + "a" * 20_000 + "'\n",
            "zero.txt": "a\0b",
            "big.txt": "a line\n" * 200_000,
            "node_modules/m/index.js": "x\n",
            "image.png": "x",
            "#doc.py#": "x = 1\n",
            "doc.py~": "x = 1\n",
            ".doc.py.swp": "x = 1\n",
        }
    )
    (root / "latin.py").write_bytes(b"x = '\xe9'\n")
    rules = Rules(root)
    for name, says in {
        "gen.go": "generated",
        "app.min.js": "generated",
        "wide.js": "minified",
        "blob.py": "minified",
        "zero.txt": "binary",
        "big.txt": "limit of 1024 KB",
        "node_modules/m/index.js": "node_modules belongs to a tool",
        "image.png": "binary",
        "#doc.py#": "copies of an editor",
        "doc.py~": "copies of an editor",
        ".doc.py.swp": "copies of an editor",
        "latin.py": "not UTF-8",
        "missing.py": "cannot be read",
        "../x.py": "outside",
        "/etc/passwd": "outside",
    }.items():
        verdict = rules.why(name)
        assert not verdict.included, name
        assert says in verdict.why
    assert rules.why("doc.py").included


def test_links_are_not_followed_out_of_the_root_or_in_circles(tmp_path: Path) -> None:
    root = tmp_path / "root"
    outside = tmp_path / "outside"
    (root / "pkg").mkdir(parents=True)
    outside.mkdir()
    (outside / "o.py").write_text("outside = 1\n")
    (root / "pkg" / "m.py").write_text("m = 1\n")
    (root / "loop").symlink_to(root)
    (root / "out").symlink_to(outside)
    (root / "o.py").symlink_to(outside / "o.py")
    os.mkfifo(root / "pipe.py")
    assert walked(root) == ["pkg/m.py"]
    rules = Rules(root)
    for name in ("loop/pkg/m.py", "out/o.py", "o.py", "pipe.py"):
        assert not rules.why(name).included, name
        assert rules.read(name)[1] == "" or name == "loop/pkg/m.py" or name == "out/o.py"


def test_a_name_that_the_system_does_not_take_is_judged_without_an_error(tmp_path: Path) -> None:
    rules = Rules(tmp_path)
    long = "n" * 300
    assert rules.by_name(f"{long}/{long}/a.py").included
    assert not rules.why(f"{long}/{long}/a.py").included
    assert git_top(tmp_path / long) == git_top(tmp_path)


@pytest.mark.parametrize("name", ["build//plan.py", "build/./plan.py", "./build/plan.py", ".env/"])
def test_another_way_to_write_an_excluded_name_lets_nothing_in(tree: Tree, name: str) -> None:
    root = tree({".gitignore": "/build/plan.py\n", "build/plan.py": "x = 1\n", ".env": "KEY=1\n"})
    assert not Rules(root).by_name(name).included


def test_a_name_that_is_no_utf8_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff\xfe.py")).write_text("x")
    (tmp_path / "a.py").write_text("x")
    assert walked(tmp_path) == ["a.py"]


def test_a_buffer_is_judged_by_the_text_in_the_editor(tree: Tree) -> None:
    root = tree({".gitignore": "ignored.py\n", "a.py": "x = 1\n"})
    rules = Rules(root)

    def verdict(path: str, text: str) -> bool:
        return rules.buffer(Document(path, text, "python", 1)).included

    assert verdict("a.py", "x = 2\n")
    assert verdict("not_yet_saved.py", "x = 2\n")
    assert verdict("/elsewhere/b.py", "x = 2\n")
    assert not verdict("ignored.py", "x\n")
    assert not verdict("/home/u/.env", "x\n")


def test_another_worktree_of_a_repository_is_not_walked_but_may_be_edited(tmp_path: Path) -> None:
    link = f"gitdir: {tmp_path}/root/.git/worktrees/w\n"
    files = {"a.py": "", ".git/worktrees/w/commondir": "../..\n", ".worktrees/w/.git": link, ".worktrees/w/a.py": ""}
    root = write_tree(tmp_path / "root", files)
    assert walked(root) == ["a.py"]
    assert walked(root / ".worktrees/w") == ["a.py"], "as a root of its own, without its file .git"
    assert Rules(root).buffer(Document(".worktrees/w/a.py", "", "python", 1)).included
