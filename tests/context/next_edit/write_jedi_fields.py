"""Writes `jedi_fields.json`: random fields of classes of flask and django, and what jedi says of their names.

    python -m tests.context.next_edit.write_jedi_fields

The files are those of `jedi_renames.json.xz`. `same` are the places that jedi's rename of the field would change,
`other` are places of the name behind a dot or in a call that jedi knows to be another thing. Of the rest jedi knows
nothing.
"""

import json
import lzma
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import jedi

from context.documents.document import Document
from context.next_edit.names.occurrences import Occurrence, Role
from context.next_edit.names.resolve_names import find_occurrences
from tests.context.next_edit.write_jedi_renames import DATA, _offset, _references
from tests.context.tree import write_tree

FIELDS = Path(__file__).with_name("jedi_fields.json")
_COUNT = 50
_SEED = 17
_MOST_PLACES = 30  # of a name in all files: jedi takes long for each
_LEAST_LETTERS = 3

Place = tuple[str, int]


def main() -> None:
    """Ask jedi about random fields until there are enough."""
    files: dict[str, str] = json.loads(lzma.decompress(DATA.read_bytes()))["files"]
    rng, fields = random.Random(_SEED), list[dict[str, Any]]()
    asked: set[tuple[str, str]] = set()
    with tempfile.TemporaryDirectory() as folder:
        root = write_tree(Path(folder) / "root", files)
        project = jedi.Project(str(root), load_unsafe_extensions=False)
        while len(fields) < _COUNT:
            path = rng.choice(sorted(files))
            script = jedi.Script(files[path], path=str(root / path), project=project)
            names = [one for one in script.get_names(all_scopes=True) if _is_field(one)]
            name = rng.choice(names or [None])
            if name is None or (path, name.name) in asked:
                continue
            asked.add((path, name.name))
            try:
                fields += _describe(name, path, files, root, project)
            except Exception as error:  # jedi fails in many ways on code that it does not understand
                print(f"{path}: {name.name}: {error}", file=sys.stderr)
    FIELDS.write_text(json.dumps(fields, indent=None, separators=(",", ":")).replace("},{", "},\n{") + "\n")


def _is_field(name: Any) -> bool:
    is_of_class = name.parent().type == "class" or f"self.{name.name}" in name.get_line_code()
    is_named = len(name.name) >= _LEAST_LETTERS and not name.name.startswith("__")
    return name.type == "statement" and is_of_class and is_named


def _describe(name: Any, path: str, files: dict[str, str], root: Path, project: Any) -> list[dict[str, Any]]:
    """Return the field with its places; nothing for a name that is used too often."""
    everywhere = [(file, one) for file, text in sorted(files.items()) for one in _members(file, text, name.name)]
    if len(everywhere) > _MOST_PLACES:
        return []
    own = path, name.line, name.column
    found, defined = _references(own, name.name, files, root, project, {})
    first = min(_offset(files, place) for place in defined | {own} if place[0] == path)
    if not files[path].startswith(name.name, first):
        return []
    same = {(place[0], _offset(files, place)) for place in found | {own} if place[0] in files}
    other = [
        (file, one.start)
        for file, one in everywhere
        if (file, one.start) not in same and _goes_elsewhere(file, one, same, files, root, project)
    ]
    return [{"path": path, "name": name.name, "start": first, "same": sorted(same), "other": sorted(other)}]


def _members(path: str, text: str, name: str) -> list[Occurrence]:
    if name not in text:
        return []
    found = find_occurrences(Document(path, text, "python", 0), (name,)) or []
    return [one for one in found if one.role in (Role.ATTRIBUTE, Role.KEYWORD, Role.BINDING)]


def _goes_elsewhere(
    path: str, one: Occurrence, same: set[Place], files: dict[str, str], root: Path, project: Any
) -> bool:
    """Return whether jedi knows what stands at a place, and that it is not the field."""
    text = files[path]
    line = text.count("\n", 0, one.start) + 1
    column = one.start - (text.rfind("\n", 0, one.start) + 1)
    goals = jedi.Script(text, path=str(root / path), project=project).goto(line, column)
    places = set()
    for goal in goals:
        file = Path(goal.module_path).relative_to(root).as_posix() if _is_below(goal.module_path, root) else ""
        places.add((file, _offset(files, (file, goal.line, goal.column)) if file else -1))
    return bool(places) and not places & same and places != {(path, one.start)}


def _is_below(path: Path | None, root: Path) -> bool:
    return path is not None and Path(path).is_relative_to(root)


if __name__ == "__main__":
    main()
