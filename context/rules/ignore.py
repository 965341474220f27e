"""Reads ignore files as git does: an inner file wins over an outer one, and a later line over an earlier one."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from context.rules.git_files import find_git_files
from context.rules.git_pattern import Patterns, find_deciding, read_patterns

# Of an ignore file and those in the folders above it. To read and match more takes long, and people write less.
_MAX_BYTES = 64 * 1024


@dataclass(frozen=True)
class _IgnoreFile:
    path: str  # as the user knows the file, for the reason
    lines: tuple[str, ...]
    patterns: Patterns
    size_bytes: int
    is_too_large: bool = False  # then the file ignores all that is in its folder


class IgnoreFiles:
    """All ignore files of one name in a workspace root, and in the folders above it up to the git root.

    Each file is read once; a new object reads the files again.
    """

    def __init__(self, root: Path, name: str, extra: Iterable[Path] = ()) -> None:
        """`extra` are files that apply to the whole tree and lose against every other, the strongest first."""
        self._root = root
        self._name = name
        self._top = git_top(root) or root
        self._inside_top = root.relative_to(self._top).parts
        self._extra = [file for path in extra if (file := _read(path, str(path), _MAX_BYTES))]
        self._files: dict[tuple[str, ...], _IgnoreFile | None] = {}
        self._excludes: dict[tuple[str, ...], list[_IgnoreFile]] = {}

    def reason(self, parts: tuple[str, ...], is_folder: bool) -> str | None:
        """Return the line that ignores the path (from the root, in parts), or None. Its folders are not judged here."""
        full = (*self._inside_top, *parts)
        if full[:-1] not in self._files:
            for depth in range(len(full)):  # the outer files first: they leave the inner ones less room
                self._file_in(full[:depth])
        for depth in range(len(full) - 1, -1, -1):
            for file in (self._file_in(full[:depth]), *self._excludes_in(full[:depth])):
                if file is not None and (verdict := _match(file, full[depth:], is_folder)) is not None:
                    return verdict or None
        for file in self._extra:
            if (verdict := _match(file, full, is_folder)) is not None:
                return verdict or None
        return None

    def _excludes_in(self, folder: tuple[str, ...]) -> "list[_IgnoreFile]":
        """Return git's own files for a repository within the tree: a submodule, or one of several side by side."""
        if folder not in self._excludes:
            top = self._top.joinpath(*folder)
            is_nested = folder and self._name == ".gitignore" and os.path.lexists(top / ".git")
            paths = find_git_files(top).ignore_files if is_nested else ()
            self._excludes[folder] = [file for path in paths if (file := _read(path, str(path), _MAX_BYTES))]
        return self._excludes[folder]

    def _file_in(self, folder: tuple[str, ...]) -> _IgnoreFile | None:
        if folder not in self._files:
            path = self._top.joinpath(*folder, self._name)
            inside_root = folder[: len(self._inside_top)] == self._inside_top
            shown = "/".join((*folder[len(self._inside_top) :], self._name)) if inside_root else path
            above = (self._files.get(folder[:depth]) for depth in range(len(folder)))
            room_bytes = _MAX_BYTES - sum(file.size_bytes for file in above if file is not None)
            self._files[folder] = _read(path, str(shown), room_bytes)
        return self._files[folder]


def git_top(root: Path) -> Path | None:
    """Return the root itself or the nearest folder above it that holds a git repository."""
    for folder in (root, *root.parents):
        if os.path.exists(folder / ".git"):  # False also where the folder may not be read
            return folder
    return None


def _match(file: _IgnoreFile, parts: tuple[str, ...], is_folder: bool) -> str | None:
    """Return the reason when the file ignores the path, "" when it keeps the path, None when no line matches."""
    if file.is_too_large:
        return f"{file.path} is larger than the {_MAX_BYTES // 1024} KB that ignore files may have together"
    found = find_deciding(file.patterns, parts, is_folder)
    if found is None:
        return None
    number, pattern = found
    return "" if pattern.keeps else f"{file.path}, line {number + 1}: {file.lines[number].strip()}"


def _read(path: Path, shown: str, room_bytes: int) -> _IgnoreFile | None:
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            data = file.read(room_bytes + 1)
    except OSError:
        return None
    if len(data) > room_bytes:
        return _IgnoreFile(shown, (), (), room_bytes, is_too_large=True)
    text = data.decode("utf-8-sig", "surrogateescape")
    lines = tuple(line.removesuffix("\r") for line in text.split("\n"))
    return _IgnoreFile(shown, lines, read_patterns(lines), len(data))
