"""The page of troubleshooting has a section for each check of `midspan doctor`, with each message of the check."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lsp_server.cli import checks

FOLDER = Path(checks.__file__).parent
PAGE = Path(__file__).parents[3] / "docs/troubleshooting.md"
SECTIONS = {
    name: re.sub(r"\s+", " ", text)
    for name, text in re.findall(r"^### (.*)\n((?:(?!#).*\n)*)", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
}
# By the module of the checks: examination.py itself checks the packages, and lets the settings speak.
SECTION_OF = {
    "daemon_check": "daemon",
    "disk_check": "disk",
    "editor_check": "editors",
    "examination": "packages",
    "gpu_check": "gpu",
    "index_check": "index",
    "model_check": "completion and chat",
    "native_check": "native step",
    "speed_check": "speed",
    "store_check": "models",
}


def findings(tree: ast.AST) -> Iterator[ast.expr]:
    """The message of each finding that the module makes; a name stands for all that is assigned to it there."""
    assigned: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            assigned.setdefault(node.targets[0].id, []).append(node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
            message = node.args[1]
            yield from assigned.get(message.id, []) if isinstance(message, ast.Name) else [message]


def fixed_words(message: ast.expr) -> str:
    """The longest part of a message that is always the same."""
    parts = [each.value for each in ast.walk(message) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return max(parts, key=len, default="").strip(" ).")


def test_every_check_has_a_section():
    makers = {path.stem for path in FOLDER.glob("*.py") if list(findings(ast.parse(path.read_text())))}
    assert makers == set(SECTION_OF)
    assert {*SECTION_OF.values(), "settings"} <= SECTIONS.keys()


@pytest.mark.parametrize("module", SECTION_OF)
def test_the_section_has_every_message_of_the_check(module):
    tree = ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8"))
    messages = {words for message in findings(tree) if len(words := fixed_words(message)) > 3}
    assert messages
    section = SECTIONS[SECTION_OF[module]].replace("…", "")
    assert {words for words in messages if words.split(". ")[0] not in section} == set()
