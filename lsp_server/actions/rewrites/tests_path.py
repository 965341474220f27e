"""The path of the file that holds, or would hold, the tests of a file."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from context.documents.document import Document
from context.index.view import View
from context.related.counterpart import counterparts
from context.rules.rules import Rules

_IS_TEST = re.compile(r"(?:^|/)(?:tests?_[^/]*|[^/]*_test|[^/]*\.(?:test|spec)|[^/]*Tests?)\.\w+$")


@dataclass(frozen=True)
class TestsPath:
    """The path of a file of tests, from the workspace's root, and whether the file exists."""

    path: str
    exists: bool


def find_tests_path(document: Document, view: View) -> TestsPath | None:
    """Return the nearest file of tests, else the path that the language's custom gives; None without a custom."""
    if document.path.startswith("/") or _IS_TEST.search(document.path):
        return None
    existing = [found.path for found in counterparts(document.path, view) if not found.is_tested]
    if existing:
        return TestsPath(existing[0], exists=True)
    new = _new_path(document, view)
    return TestsPath(new, exists=False) if new else None


def why_no_new_file(root: Path, path: str) -> str:
    """Return why a workspace may not get a new file at a path, by its rules and links; "" when it may."""
    verdict = Rules(root).by_name(path)
    if not verdict.included:
        return f"{path} may not be written: {verdict.why}"
    if os.path.lexists(root / path):
        return f"{path} exists already"
    return ""


def _new_path(document: Document, view: View) -> str:
    folder, _, name = document.path.rpartition("/")
    stem, dot, suffix = name.rpartition(".")
    beside = f"{folder}/" if folder else ""
    match document.language:
        case "python":
            tests = next((f"{top}/" for top in ("tests", "test") if view.in_folder(top)), "tests/")
            return f"{tests}test_{stem}.py"
        case "javascript" | "javascriptreact" | "typescript" | "typescriptreact":
            return f"{beside}{stem}.test{dot}{suffix}"
        case "go":
            return f"{beside}{stem}_test.go"
        case "java":
            return f"{beside.replace('src/main/', 'src/test/')}{stem}Test.java"
    return ""
