"""Finds definitions that a file can name: imported, handed on by packages, and bases of its classes."""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from context.index.terms import identifiers
from context.index.view import Definition, View
from context.related.cursor import CursorSurroundings

# Files that hand on what others define.
_PACKAGE_FILES = ("__init__.py", "__init__.pyi", "index.ts", "index.tsx", "index.js", "index.jsx", "mod.rs", "lib.rs")
_MAX_HANDING_ON = 2
_MAX_BASES = 2
_MAX_UNUSED = 24  # definitions of a file that the current one does not name
_MAX_PLACES = 6  # a name that is defined in more places is too common to help

# The likelihood that a definition is meant, between 0 and 1; `_NEAR` is added, the more the nearer the name is.
_NAMED = 0.6  # the import names the definition
_USED = 0.3  # the current file uses the definition as an attribute of a module that it imports
_OFFERED = 0.15  # the module has the definition
_PRIVATE = 0.05
_BASE = 0.5
_NEAR = 0.4


@dataclass(frozen=True)
class ImportedName:
    """A top-level definition of `module` with its members. `score` is the likelihood that the definition is meant."""

    definition: Definition
    members: Sequence[Definition]
    score: float
    module: str


def imported_definitions(around: CursorSurroundings, view: View) -> Iterator[ImportedName]:
    """Yield what the current file imports from the workspace. A definition may come twice, with two scores."""
    seen: set[str] = set()
    for (module, names), paths in around.imports:
        missing = set(names) - {"*"}
        for path in paths:
            unused_left = 0 if path in seen else _MAX_UNUSED
            seen.add(path)
            for definition, members, inner_names in view.top_level(path):
                name = definition.symbol.name
                if name in missing:
                    missing.discard(name)
                    score = _NAMED + _NEAR * around.near.get(name, 0.0)
                elif used := inner_names & around.names:
                    score = _USED + _NEAR * max(around.near.get(one, 0.0) for one in used)
                elif unused_left > 0:
                    unused_left -= 1
                    score = _PRIVATE if name.startswith("_") else _OFFERED
                else:
                    continue
                yield ImportedName(definition, members, score, module)
        for definition, members in _handed_on(paths, missing | around.names, view):
            name = definition.symbol.name
            score = (_NAMED if name in missing else _USED) + _NEAR * around.near.get(name, 0.0)
            missing.discard(name)
            yield ImportedName(definition, members, score, module)
        # Names that reach the module in ways that are not followed here: find them in any file.
        for name, definitions in view.definitions(missing if paths else (), _MAX_PLACES).items():
            score = (_NAMED + _NEAR * around.near.get(name, 0.0)) / len(definitions)
            for definition in definitions:
                yield ImportedName(definition, members_of(definition, view), score, module)


def base_classes(offers: Iterable[ImportedName], around: CursorSurroundings, view: View) -> Iterator[ImportedName]:
    """Yield the base classes of the classes around the cursor, and the bases of these."""
    pending = [(offer, 0) for offer in offers if offer.definition.symbol.name in around.enclosing]
    seen = set()
    while pending:
        offer, depth = pending.pop(0)
        symbol = offer.definition.symbol
        if depth == _MAX_BASES or not offer.members:
            continue
        for definition, members in _meant_in(offer.definition.path, set(identifiers(symbol.signature)), view):
            place = (definition.path, definition.symbol.first_line)
            if members and definition != offer.definition and place not in seen:
                seen.add(place)
                base = ImportedName(definition, members, _BASE / (depth + 1) + _NEAR, symbol.name)
                pending.append((base, depth + 1))
                yield base


def members_of(definition: Definition, view: View) -> list[Definition]:
    """Return the definitions in a definition."""
    symbol = definition.symbol
    return [
        other
        for other in view.definitions_in(definition.path)
        if other.symbol.container == symbol.name
        and symbol.first_line <= other.symbol.first_line
        and other.symbol.last_line <= symbol.last_line
    ]


def _handed_on(
    paths: Iterable[str], names: Set[str], view: View, depth: int = 0
) -> Iterator[tuple[Definition, Sequence[Definition]]]:
    """Yield the definitions of these names that packages import only for others to import."""
    for path in paths:
        if path.rsplit("/", 1)[-1] not in _PACKAGE_FILES:
            continue
        for module, taken in view.imports(path):
            wanted = names if taken == ["*"] else names & set(taken)
            files = view.imported_files((module, taken), path, view.language_of(path)) if wanted else []
            for file in files:
                if file not in paths:
                    yield from _named_in(file, wanted, view)
            if depth + 1 < _MAX_HANDING_ON:
                yield from _handed_on([file for file in files if file not in paths], wanted, view, depth + 1)


def _meant_in(path: str, names: Set[str], view: View) -> Iterator[tuple[Definition, Sequence[Definition]]]:
    """Yield the top-level definitions that names mean in a file: its own and those that it imports."""
    language = view.language_of(path)
    files = [path]
    for module, taken in view.imports(path):
        if taken == ["*"] or names & set(taken):
            files += view.imported_files((module, taken), path, language)
    for file in files:
        yield from _named_in(file, names, view)


def _named_in(path: str, names: Set[str], view: View) -> Iterator[tuple[Definition, Sequence[Definition]]]:
    for definition, members, _ in view.top_level(path):
        if definition.symbol.name in names:
            yield definition, members
