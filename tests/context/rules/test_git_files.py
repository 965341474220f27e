import shutil
import subprocess
from pathlib import Path
from time import thread_time

import pytest

from context.rules.git_files import find_git_files
from context.rules.rules import Rules
from tests.context.tree import write_tree

NAMES = ["a.py", "by_exclude.py", "by_global.py", "by_default.py", "kept.py"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return home


def make_repository(root: Path) -> Path:
    write_tree(root, dict.fromkeys(NAMES, "x = 1\n"))
    write_tree(root, {".git/HEAD": "ref: refs/heads/main\n", ".git/info/exclude": "by_exclude.py\n"})
    return root


def ignored(root: Path) -> set[str]:
    rules = Rules(root)
    return {name for name in NAMES if not rules.by_name(name).included}


def test_the_users_own_ignore_file_holds(home: Path, tmp_path: Path) -> None:
    root = make_repository(tmp_path / "root")
    assert ignored(root) == {"by_exclude.py"}
    write_tree(home, {".config/git/ignore": "by_default.py\n"})
    assert ignored(root) == {"by_exclude.py", "by_default.py"}
    write_tree(root, {".gitignore": "!by_default.py\n"})  # the repository's word is stronger
    assert ignored(root) == {"by_exclude.py"}


@pytest.mark.parametrize(
    "config",
    [
        "[core]\n\texcludesFile = ~/global\n",
        '[user]\nname = x\n[CORE] ExcludesFile="~/global" ; why\n',
        "[include]\n\tpath = other\n",
    ],
)
def test_core_excludes_file_holds(home: Path, tmp_path: Path, config: str) -> None:
    write_tree(home, {".gitconfig": config, "other": "[core]\nexcludesfile = ~/global # why\n"})
    write_tree(home, {"global": "by_global.py\n", ".config/git/ignore": "by_default.py\n"})
    assert ignored(make_repository(tmp_path / "root")) == {"by_exclude.py", "by_global.py"}
    reason = Rules(tmp_path / "root").by_name("by_global.py").why
    assert reason == f"{home / 'global'}, line 1: by_global.py"


def test_the_configuration_of_the_repository_is_the_last_word(home: Path, tmp_path: Path) -> None:
    write_tree(home, {".gitconfig": "[core]\nexcludesFile = ~/global\n", "own": "by_default.py\n"})
    root = make_repository(tmp_path / "root")
    write_tree(root, {".git/config": "[core]\n\texcludesFile = ~/own\n"})
    assert ignored(root) == {"by_exclude.py", "by_default.py"}


def test_a_worktree_and_a_submodule_have_their_excludes_elsewhere(home: Path, tmp_path: Path) -> None:
    main = make_repository(tmp_path / "main")
    write_tree(main, {".git/worktrees/w/commondir": "../..\n", ".git/worktrees/w/HEAD": "ref: x\n"})
    write_tree(main, {".git/modules/sub/info/exclude": "kept.py\n"})
    worktree = write_tree(tmp_path / "w", dict.fromkeys(NAMES, "x = 1\n"))
    write_tree(worktree, {".git": f"gitdir: {main}/.git/worktrees/w\n"})
    submodule = write_tree(main / "sub", dict.fromkeys(NAMES, "x = 1\n"))
    write_tree(submodule, {".git": "gitdir: ../.git/modules/sub\n"})
    assert ignored(worktree) == {"by_exclude.py"}
    assert ignored(submodule) == {"kept.py"}


@pytest.mark.skipif(shutil.which("git") is None, reason="asks git itself")
def test_git_says_the_same_of_a_worktree(home: Path, tmp_path: Path) -> None:
    write_tree(home, {".gitconfig": "[user]\nname = n\nemail = e@x\n[core]\nexcludesFile = ~/global\n"})
    write_tree(home, {"global": "by_global.py\n"})
    root, worktree = tmp_path / "root", tmp_path / "w"

    def git(*arguments: str, folder: Path = root) -> str:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True)
        return done.stdout

    write_tree(root, {"a.py": "x = 1\n"})
    git("init", "-q")
    git("add", "a.py")
    git("commit", "-qm", "first")
    write_tree(root, {".git/info/exclude": "by_exclude.py\n"})
    git("worktree", "add", "-q", str(worktree))
    for folder in (root, worktree):
        write_tree(folder, dict.fromkeys(NAMES, "x = 1\n"))
        assert set(git("check-ignore", "--no-index", *NAMES, folder=folder).split()) == ignored(folder)
        assert ignored(folder) == {"by_exclude.py", "by_global.py"}


def test_hostile_git_files_are_no_error_and_take_no_time(home: Path, tmp_path: Path) -> None:
    root = make_repository(tmp_path / "root")
    started = thread_time()
    for config in ("[include]\npath = config\n" * 20_000, '[core]\nexcludesFile = "' + '\\"' * 200_000, "[" * 200_000):
        write_tree(root, {".git/config": config})
        find_git_files(root)
    (root / ".git/config").unlink()
    shutil.rmtree(root / ".git")
    for link in ("gitdir: .git", "gitdir: \0", "gitdir: /dev/zero", "gitdir:", "x" * 100_000):
        (root / ".git").write_text(link)
        assert ignored(root) == set()
    assert thread_time() - started < 10


def test_ignore_files_that_are_too_large_keep_all_out(home: Path, tmp_path: Path) -> None:
    root = make_repository(tmp_path / "root")
    write_tree(root, {"deep/.gitignore": "a*b*c*d\n" * 20_000, "deep/a.py": "x = 1\n"})
    started = thread_time()
    verdict = Rules(root).by_name("deep/a.py")
    assert not verdict.included
    assert "deep/.gitignore is larger than the 64 KB" in verdict.why
    assert Rules(root).by_name("a.py").included
    for depth in range(30):
        write_tree(root, {"d/" * depth + ".gitignore": f"*a*b*{depth}\n" * 3000, "d/" * depth + "x.py": "x = 1\n"})
    assert not Rules(root).by_name("d/" * 29 + "x.py").included
    assert thread_time() - started < 10


def test_repositories_within_the_root_have_their_own_excludes_and_those_of_the_user(home: Path, tmp_path: Path) -> None:
    write_tree(home, {".config/git/ignore": "by_default.py\n"})
    names = ("a.py", "by_default.py", "by_exclude.py")
    root = write_tree(tmp_path / "root", {f"{inner}/{name}": "" for inner in ("one", "sub") for name in names})
    excludes = {"one/.git/info/exclude": "by_exclude.py\n", "modules/sub/info/exclude": "by_exclude.py\n"}
    write_tree(root, excludes | {"sub/.git": "gitdir: ../modules/sub\n"})
    assert {file.path for file in Rules(root).walk() if file.path.endswith(".py")} == {"one/a.py", "sub/a.py"}
