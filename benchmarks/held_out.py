"""Lines of a real repository that use a name of another file, removed from their files as if not yet written."""

import io
import keyword
import random
import re
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import jedi

from context.documents.document import Document, read_document
from context.documents.file_names import relative_path
from context.documents.snapshot import Snapshot
from context.index.view import Definition, View
from context.index.workspace import Workspace
from midspan import DocumentError

_MIN_LINES_BEFORE = 20  # at the top of a file the model has nothing to go by
_OPEN_BUFFERS = 4
_SETTLE_SECONDS = 600.0
_Item = TypeVar("_Item")


@dataclass(frozen=True)
class HeldOut:
    """A removed line. The cursor is at its place, after the indentation; another file defines `name`, in one place."""

    snapshot: Snapshot
    line: str
    name: str
    definition: Definition


def open_workspace(root: Path, cache_folder: Path) -> Workspace:
    """Open the workspace and wait until its index is complete."""
    workspace = Workspace(root, cache_folder)
    workspace.start()
    workspace.wait_until_settled(_SETTLE_SECONDS)
    return workspace


def hold_out(workspace: Workspace, count: int, seed: int) -> list[HeldOut]:
    """Lines of Python files in an order that the seed gives, at most one a file and round; tests are not asked.

    Some other files of the same folder are open, as they would be in an editor. Jedi, which knows nothing of the
    index, finds the definition of a name.
    """
    rng = random.Random(seed)
    view = workspace.view()
    project = jedi.Project(str(workspace.root), load_unsafe_extensions=False)
    paths = [path for path in view.named("*.py") if not re.search(r"(^|/)tests?(/|_)", path)]
    by_path = {path: document for path in paths if (document := _read(workspace.root / path, workspace.root))}
    lines = {path: _shuffled(_lines_with_names(document.text), rng) for path, document in by_path.items()}
    found: list[HeldOut] = []
    while len(found) < count and any(lines.values()):
        for path in _shuffled((path for path in lines if lines[path]), rng):
            document = by_path[path]
            number, names = lines[path].pop()
            if len(found) < count and (use := _use_of_another_file(document, number, names, project, view)):
                found.append(_take_out(document, number, *use, _buffers(path, by_path, rng)))
    return found


def _shuffled(items: Iterable[_Item], rng: random.Random) -> list[_Item]:
    shuffled = list(items)
    rng.shuffle(shuffled)
    return shuffled


def _read(path: Path, root: Path) -> Document | None:
    try:
        return read_document(path, root)
    except DocumentError:
        return None


def _lines_with_names(text: str) -> list[tuple[int, list[tuple[int, str]]]]:
    """The columns and names in each line. Import lines are left out: they name what they import."""
    names: dict[int, list[tuple[int, str]]] = {}
    lines = text.split("\n")
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.NAME and not keyword.iskeyword(token.string):
                names.setdefault(token.start[0] - 1, []).append((token.start[1], token.string))
    except (tokenize.TokenError, SyntaxError):
        return []
    return [
        (number, found)
        for number, found in names.items()
        if number >= _MIN_LINES_BEFORE and not lines[number].lstrip().startswith(("import ", "from "))
    ]


def _use_of_another_file(
    document: Document, number: int, names: list[tuple[int, str]], project: Any, view: View
) -> tuple[str, Definition] | None:
    """The first name of the line that is a class, a function or a variable of another file of the workspace."""
    script = jedi.Script(document.text, path=str(project.path / document.path), project=project)
    for column, name in names:
        try:
            meant = script.goto(number + 1, column, follow_imports=True)
        except Exception:  # jedi fails in many ways on code that it does not understand
            continue
        for one in meant:
            if one.type not in ("class", "function", "statement") or one.module_path is None or one.name != name:
                continue
            path = relative_path(one.module_path, project.path)
            if path == document.path:
                continue
            for definition in view.definitions_in(path):
                if definition.symbol.name == name and _is_at(definition, one.line - 1):
                    return name, definition
    return None


def _is_at(definition: Definition, line: int) -> bool:
    """Return whether the definition stands at this line; a decorated one begins at its first decorator."""
    return definition.symbol.first_line <= line <= definition.symbol.last_line


def _buffers(path: str, by_path: dict[str, Document], rng: random.Random) -> tuple[Document, ...]:
    folder = path.rpartition("/")[0]
    near = [other for other in by_path if other != path and other.rpartition("/")[0] == folder]
    return tuple(by_path[other] for other in rng.sample(near, min(_OPEN_BUFFERS, len(near))))


def _take_out(
    document: Document, number: int, name: str, definition: Definition, buffers: tuple[Document, ...]
) -> HeldOut:
    line = document.lines[number]
    body = line.strip()
    indent = line[: len(line) - len(line.lstrip())]
    start = document.line_starts[number]
    text = document.text[:start] + indent + document.text[start + len(line.rstrip("\r\n")) :]
    without = Document(document.path, text, document.language, 1)
    return HeldOut(Snapshot(without, start + len(indent), buffers), body, name, definition)
