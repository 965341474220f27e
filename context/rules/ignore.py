"""Ignore files as git reads them: one at every level, the inner one before the outer, the last
match first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, AnyStr

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

_MAX_IGNORE_FILE_BYTES = 1024 * 1024


class _Pattern(GitIgnoreSpecPattern):
    """Matches what the pattern names, not what lies in it.

    pathspec's own also match through a folder, which would let a kept folder keep all that is in
    it: here each folder has been judged before what it holds.
    """

    @classmethod
    def pattern_to_regex(cls, pattern: AnyStr) -> tuple[AnyStr | None, bool | None]:
        regex, include = super().pattern_to_regex(pattern)
        if not isinstance(regex, str):
            return regex, include
        whole: Any = regex.replace("(?:(?P<ps_d>/)|$)", "/?$").replace("(?P<ps_d>/)", "/$")
        if whole.endswith("/"):  # "a/**": something in it
            whole += "."
        return whole, include


@dataclass(frozen=True)
class _IgnoreFile:
    path: str  # as the user knows it, for the reason
    lines: tuple[str, ...]
    patterns: tuple[_Pattern, ...]  # one a line


class IgnoreFiles:
    """All the ignore files of one kind between a workspace root (or the git root above it) and its
    leaves.

    They are read once; make a new object to read them again.
    """

    def __init__(self, root: Path, name: str, extra: Iterable[Path] = ()) -> None:
        """`extra` are files that apply to the whole tree and lose against every other
        (.git/info/exclude).
        """
        self._root = root
        self._name = name
        self._top = git_top(root) or root
        self._inside_top = root.relative_to(self._top).parts
        self._extra = [file for path in extra if (file := _read(path, str(path)))]
        self._files: dict[tuple[str, ...], _IgnoreFile | None] = {}

    def reason(self, parts: tuple[str, ...], is_folder: bool) -> str | None:
        """Why the path (from the root, in parts) is ignored, or None. Its folders are not asked
        about.
        """
        full = (*self._inside_top, *parts)
        for depth in range(len(full) - 1, -1, -1):
            file = self._file_in(full[:depth])
            if file is not None and (verdict := _match(file, full[depth:], is_folder)) is not None:
                return verdict or None
        for file in self._extra:
            if (verdict := _match(file, full, is_folder)) is not None:
                return verdict or None
        return None

    def _file_in(self, folder: tuple[str, ...]) -> _IgnoreFile | None:
        if folder not in self._files:
            path = self._top.joinpath(*folder, self._name)
            inside_root = folder[: len(self._inside_top)] == self._inside_top
            shown = "/".join((*folder[len(self._inside_top) :], self._name)) if inside_root else path
            self._files[folder] = _read(path, str(shown))
        return self._files[folder]


def git_top(root: Path) -> Path | None:
    """The root itself or the nearest folder above it that holds a git repository."""
    for folder in (root, *root.parents):
        if (folder / ".git").exists():
            return folder
    return None


def _match(file: _IgnoreFile, parts: tuple[str, ...], is_folder: bool) -> str | None:
    """The reason when the file ignores the path, "" when it says to keep it, None when it says
    nothing.
    """
    path = "/".join(parts) + ("/" if is_folder else "")
    for number in range(len(file.patterns) - 1, -1, -1):
        pattern = file.patterns[number]
        if pattern.include is not None and pattern.match_file(path):
            return f"{file.path}, line {number + 1}: {file.lines[number].strip()}" if pattern.include else ""
    return None


def _read(path: Path, shown: str) -> _IgnoreFile | None:
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            text = file.read(_MAX_IGNORE_FILE_BYTES).decode("utf-8", "surrogateescape")
    except OSError:
        return None
    lines = tuple(line.removesuffix("\r") for line in text.split("\n"))
    return _IgnoreFile(shown, lines, tuple(map(_pattern, lines)))


def _pattern(line: str) -> _Pattern:
    try:
        return _Pattern(line)
    except ValueError:  # git drops a bad pattern, and goes on
        return _Pattern("")
