"""Writes `jedi_renames.json.xz`: some files of flask and django, random names in them, and what jedi renames.

    python -m tests.context.next_edit.write_jedi_renames FOLDER

FOLDER has the packages as their wheels have them. A name is taken where jedi is of one mind, and right: it gives the
same places from others of them, and Python's own symbol table stays the same. Of the members of classes, methods of one
file are taken: of other members jedi finds more or fewer places, by what it knows of the types.
"""

import json
import lzma
import random
import symtable
import sys
from pathlib import Path
from typing import Any

import jedi

DATA = Path(__file__).with_name("jedi_renames.json.xz")
_PACKAGES = ("flask", "django/__init__.py", "django/forms", "django/dispatch", "django/template")
_LICENCES = (
    "flask-*.dist-info/licenses/LICENSE.txt",
    "django-*.dist-info/LICENSE",
    "django-*.dist-info/licenses/LICENSE",
)
_COUNT = 200
_SEED = 17
_OTHER_PLACES = 3
_NEW = "another_name"
_KINDS = ("function", "class", "statement", "param")

# A place: the file, the line from 1 on, the column.
Place = tuple[str, int, int]


def main(folder: Path) -> None:
    """Ask jedi about random names until there are enough."""
    paths = [path for package in _PACKAGES for path in _python_files(folder / package)]
    files = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    project = jedi.Project(str(folder), load_unsafe_extensions=False)
    rng, renames = random.Random(_SEED), list[dict[str, Any]]()
    while len(renames) < _COUNT:
        path = rng.choice(sorted(files))
        script = jedi.Script(files[path], path=str(folder / path), project=project)
        names = script.get_names(all_scopes=True, definitions=True, references=False)
        name = rng.choice([one for one in names if one.type in _KINDS] or [None])
        lines = files[path].split("\n")
        if name is None or len(name.name) < 3 or name.name.startswith("__") or "import" in lines[name.line - 1]:
            continue
        try:
            found = _rename(name, path, files, folder, project, rng)
            renames += [one for one in found if one not in renames]
        except Exception as error:  # jedi fails in many ways on code that it does not understand
            print(f"{path}: {name.name}: {error}", file=sys.stderr)
    notices = {path.name: path.read_text() for pattern in _LICENCES for path in folder.glob(pattern)}
    data = {"notices": notices, "files": files, "renames": renames}
    DATA.write_bytes(lzma.compress(json.dumps(data).encode(), preset=9))


def _python_files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def _rename(
    name: Any, path: str, files: dict[str, str], folder: Path, project: Any, rng: random.Random
) -> list[dict[str, Any]]:
    """Return the name's first definition and all its places; nothing where jedi is of two minds."""
    is_local = name.type == "statement" and name.parent().type not in ("module", "class")
    scope = {"scope": "file"} if is_local else {}
    own = path, name.line, name.column
    found, defined = _references(own, name.name, files, folder, project, scope)
    places = found | {own}
    for other in rng.sample(sorted(places), min(_OTHER_PLACES, len(places))):
        if _references(other, name.name, files, folder, project, scope)[0] | {other} != places:
            return []
    is_member = name.parent().type == "class" or "self." in name.get_line_code()
    is_one = len({place[0] for place in places}) == 1 and len(defined) < 2  # jedi takes some overrides for one method
    if any(place[0] not in files for place in places) or (is_member and (name.type != "function" or not is_one)):
        return []
    first = min(place for place in defined | {own} if place[0] == path)
    listed = {file: sorted(_offset(files, place) for place in places if place[0] == file) for file, _, _ in places}
    if not all(_keeps_meaning(files[file], name.name, starts) for file, starts in listed.items()):
        return []
    return [{"path": path, "name": name.name, "start": _offset(files, first), "places": listed}]


def _keeps_meaning(text: str, old: str, starts: list[int]) -> bool:
    """Return whether the renamed text has the symbols of the old one, each in its scope and of its kind."""
    changed = text
    for start in reversed(starts):
        changed = changed[:start] + _NEW + changed[start + len(old) :]
    before, after = (symtable.symtable(one, "", "exec") for one in (text, changed))
    return bool(_symbols(before) == _symbols(after, old))


def _symbols(table: symtable.SymbolTable, renamed: str = "") -> Any:
    names = sorted(
        (one.get_name().replace(_NEW, renamed), one.is_local(), one.is_free()) for one in table.get_symbols()
    )
    return names, [_symbols(child, renamed) for child in table.get_children()]


def _references(
    place: Place, name: str, files: dict[str, str], folder: Path, project: Any, scope: dict[str, str]
) -> tuple[set[Place], set[Place]]:
    """Return the places that jedi gives for a name, and those of them that define it."""
    script = jedi.Script(files[place[0]], path=str(folder / place[0]), project=project)
    found = [one for one in script.get_references(place[1], place[2], **scope) if one.name == name and one.module_path]
    at = {(Path(one.module_path).relative_to(folder).as_posix(), one.line, one.column): one for one in found}
    return set(at), {place for place, one in at.items() if one.is_definition()}


def _offset(files: dict[str, str], place: Place) -> int:
    lines = files[place[0]].split("\n")
    return sum(len(line) + 1 for line in lines[: place[1] - 1]) + place[2]


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
