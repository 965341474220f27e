"""The files of git outside the tree that say what git ignores: gitignore(5), gitrepository-layout(5), git-config(1)."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_MAX_BYTES = 1024 * 1024
_MAX_FILES = 50  # of git's configuration
_SECTION = re.compile(r"\[\s*([\w.-]+)\s*(?:\"[^\"]*\")?\s*\]")
_SETTING = re.compile(r"([A-Za-z][A-Za-z0-9-]*)\s*=\s*(.*)")
_VALUE_PART = re.compile(r'"((?:[^"\\]|\\.)*+)"|\\(.)|([^"\\;#]+)')


@dataclass(frozen=True)
class GitFiles:
    """`ignore_files` hold for the whole tree, the strongest first. `head` changes when a branch is checked out."""

    ignore_files: tuple[Path, ...]
    head: Path


def find_git_files(top: Path) -> GitFiles:
    """Return the files of the repository whose tree begins at `top`, whether they are there or not."""
    folder = _git_folder(top)
    common = _common_folder(folder)
    return GitFiles((common / "info" / "exclude", _excludes_file(common, folder)), folder / "HEAD")


def is_linked_worktree(top: Path) -> bool:
    """Return whether a folder is a worktree that `git worktree add` made: the same files on another branch."""
    folder = _git_folder(top)
    return folder != top / ".git" and _common_folder(folder) != folder


def _git_folder(top: Path) -> Path:
    """Return the folder of the repository: in a worktree and in a submodule, `.git` is a file that names it."""
    link = _read(top / ".git")
    if not link.startswith("gitdir:"):
        return top / ".git"
    return top / link.removeprefix("gitdir:").strip()


def _common_folder(folder: Path) -> Path:
    """Return the folder that a worktree shares with its repository."""
    name = _read(folder / "commondir").strip()
    return folder / name if name else folder


def _excludes_file(common: Path, folder: Path) -> Path:
    """Return the file that core.excludesFile names in the last configuration that has it, else git's default."""
    home = Path(os.path.expanduser("~"))
    user_folder = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "git"
    system = os.environ.get("GIT_CONFIG_SYSTEM") or "/etc/gitconfig"
    by_user = os.environ.get("GIT_CONFIG_GLOBAL")
    files = [
        *([] if os.environ.get("GIT_CONFIG_NOSYSTEM") else [Path(system)]),
        *([Path(by_user)] if by_user is not None else [user_folder / "config", home / ".gitconfig"]),
        common / "config",
        folder / "config.worktree",
    ]
    seen: set[Path] = set()
    named = [value for file in files for value in _settings(file, seen)]
    return folder / os.path.expanduser(named[-1]) if named else user_folder / "ignore"


def _settings(path: Path, seen: set[Path]) -> Iterator[str]:
    """Yield the values of core.excludesFile in a file of git's configuration and in those that it includes.

    `seen` are the files that were read, each of which is read once.
    """
    if path in seen or len(seen) >= _MAX_FILES:
        return
    seen.add(path)
    section = ""
    for line in _read(path).split("\n"):
        if found := _SECTION.match(line := line.strip()):
            section, line = found[1].lower(), line[found.end() :].strip()
        setting = _SETTING.match(line)
        if setting is None:
            continue
        name, value = f"{section}.{setting[1].lower()}", _value(setting[2])
        if name == "core.excludesfile":
            yield value
        elif name == "include.path":
            yield from _settings(path.parent / os.path.expanduser(value), seen)


def _value(written: str) -> str:
    """Return a value without its quotes and escapes, up to a comment."""
    parts, position = [], 0
    while part := _VALUE_PART.match(written, position):
        quoted, escaped, plain = part.groups()
        parts.append(re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else escaped or plain)
        position = part.end()
    return "".join(parts).strip()


def _read(path: Path) -> str:
    """Return the text of a regular file; "" for any other."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return file.read(_MAX_BYTES).decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    except (OSError, ValueError):  # ValueError: a zero byte in the name
        return ""
