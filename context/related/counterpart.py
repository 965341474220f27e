"""Finds the test of a file and the file of a test, by the names that people give them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

_TEST_STEM = re.compile(r"^(?:tests?[_-](?P<after>.+)|(?P<before>.+?)(?:[._-](?:tests?|specs?)|(?:Tests?|Spec|IT)))$")


_TEST_FOLDERS = frozenset({"test", "tests", "spec", "specs", "__tests__", "testdata"})


@dataclass(frozen=True)
class Counterpart:
    """`is_tested`: the file is what the current one tests, not its test."""

    path: str
    is_tested: bool


class NamedFiles(Protocol):
    """Finds files by their names."""

    def named(self, name: str) -> list[str]: ...


def counterparts(path: str, files: NamedFiles) -> list[Counterpart]:
    """Return the test of a file, or the file that a test is of, the nearest first."""
    folder, _, name = path.rpartition("/")
    stem, dot, suffix = name.rpartition(".")
    if not dot:
        return []
    if match := _TEST_STEM.match(stem):
        tested = match["after"] or match["before"]
        return [Counterpart(found, True) for found in _nearest([f"{tested}.{suffix}"], folder, path, files)]
    tests = [
        *(f"{form}.{suffix}" for form in (f"test_{stem}", f"{stem}_test", f"{stem}.test", f"{stem}.spec")),
        *(f"{form}.{suffix}" for form in (f"{stem}Test", f"{stem}Tests", f"{stem}-test", f"test-{stem}")),
    ]
    return [Counterpart(found, False) for found in _nearest(tests, folder, path, files)]


def is_test(path: str) -> bool:
    """Return whether a file is a test by its name, or by a folder that it is in."""
    folder, _, name = path.rpartition("/")
    return not _TEST_FOLDERS.isdisjoint(folder.split("/")) or _TEST_STEM.match(name.rpartition(".")[0]) is not None


def _nearest(names: Iterable[str], folder: str, path: str, files: NamedFiles) -> list[str]:
    """Return the files of these names; those come first whose folders' names are most alike, in whatever order."""
    mine = set(folder.split("/"))
    found = {other for name in names for other in files.named(name) if other != path}

    def distance(other: str) -> tuple[int, str]:
        return len(mine ^ set(other.rpartition("/")[0].split("/"))), other

    return sorted(found, key=distance)
