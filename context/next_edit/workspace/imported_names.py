"""The places of a renamed name in other files: where they import it, and where they name its module."""

import re
from collections.abc import Iterator
from posixpath import dirname

from context.documents.document import Document
from context.next_edit.names.occurrences import Occurrence, Role, Scope
from context.next_edit.names.resolve_names import Names, find_names, has_word
from context.next_edit.workspace.workspace_files import WorkspaceFiles
from context.syntax.imports import find_imports

_MAX_FILES = 100
_MAX_OF_PACKAGE = 500  # only those that have the word are parsed
_MAX_EXPORTERS = 10  # files that import a name for others to import
_MODULES = frozenset({"module", "program", "source_file", "translation_unit"})
_GO_PACKAGE = re.compile(r"^package\s+(\w+)", re.MULTILINE)
_ALL = re.compile(r"^from[ \t]+([.\w]+)[ \t]+import[ \t]+\*", re.MULTILINE)
_ALIAS = re.compile(r"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+)?import[ \t]+([.\w]+)[ \t]+as[ \t]+(\w+)", re.MULTILINE)


def is_of_module(scope: Scope) -> bool:
    """Return whether the scope is that of a whole file, whose names other files may import."""
    return scope.kind in _MODULES


def find_importing_places(
    origin: Document, old: str, new: str, files: WorkspaceFiles
) -> Iterator[tuple[Document, list[Occurrence]]]:
    """Yield the files that still have the old name of a thing of the file `origin`, with the places in each."""
    if origin.language == "go":
        yield from _in_package(origin, old, new, files)
    exporters = [origin.path]
    done: set[str] = {origin.path}
    for exporter in exporters:  # grows
        importers = (path for path in files.importers(old, origin.language, _MAX_FILES) if path not in done)
        for document in files.documents(path for path in importers if files.takes_from(path, exporter)):
            if old not in document.text:
                continue
            names = find_names(document, (old, new))
            places, hands_on = _imported(names, document, old, new, exporter, files) if names else ([], False)
            if hands_on and len(exporters) < _MAX_EXPORTERS:
                exporters.append(document.path)
            if places:
                done.add(document.path)
                yield document, places
        if not old.startswith("_"):
            handing_all = files.take_all_from(exporter, origin.language, _MAX_FILES)
            exporters += [path for path in handing_all if path not in exporters and not files.defines(path, old)]
            del exporters[_MAX_EXPORTERS:]
    stems = {_stem(exporter) for exporter in exporters}
    holding = (path for path in files.holding(old, origin.language, _MAX_FILES) if path not in done)
    for document in files.documents(path for path in holding if files.imports_one_of(path, stems)):
        takes_all = not old.startswith("_") and _takes_all(document, exporters, files)
        if f".{old}" not in document.text and not takes_all:
            continue
        if names := find_names(document, (old,)):
            places = [
                one
                for one, home in names.homes.items()
                if _is_of(one, document, exporters, files) or (takes_all and home is None and one.role == Role.USE)
            ]
            if places:
                yield document, places


def _stem(path: str) -> str:
    """Return the word by which imports name a file: its name, or that of its folder."""
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0]
    return folder.rpartition("/")[2] if path.endswith(".go") or stem in ("__init__", "index", "mod") else stem


def _imported(
    names: Names, document: Document, old: str, new: str, exporter: str, files: WorkspaceFiles
) -> tuple[list[Occurrence], bool]:
    """Return the places that have the old name by an import from the exporter, and whether the file imports it so."""
    found: list[Occurrence] = []
    hands_on = False
    for one, home in names.homes.items():
        if one.role not in (Role.IMPORT, Role.IMPORTED, Role.EXPORTED):
            continue
        if not _takes_from(one, old, exporter, document, files):
            continue
        alias = _alias_of(one, names, document)
        if alias is not None and alias.name != old and one.name == old:
            alias = None  # an alias of its own; `import name as name` hands the name on to others
        if alias is not None:
            home = names.homes[alias]
        hands_on = hands_on or one.role != Role.IMPORTED or alias is not None
        is_bound = home is not None and (one.role == Role.IMPORT or alias is not None)
        group = [one, *names.group(home)] if is_bound else [one]
        rivals = (old, new) if alias is not None else (new,)
        if any(other.name in rivals and other.role == Role.BINDING and not other.is_alias for other in group):
            continue
        found += [other for other in dict.fromkeys(group) if other.name == old and other not in found]
    return found, hands_on


def _alias_of(one: Occurrence, names: Names, document: Document) -> Occurrence | None:
    """Return the place of one of the names as the alias of an imported one."""
    aliases = (other for other in names.homes if other.is_alias and other.start > one.end)
    return next((other for other in aliases if document.text[one.end : other.start].strip() == "as"), None)


def _takes_from(one: Occurrence, name: str, exporter: str, document: Document, files: WorkspaceFiles) -> bool:
    """Return whether an import takes the name from this file, and does not mean a module of that name."""
    found = files.imported(one.owner, name, document)
    if found[:1] != [exporter]:
        return False
    return document.language != "python" or files.imported(one.owner, "", document)[:1] == found[:1]


def _is_of(one: Occurrence, document: Document, exporters: list[str], files: WorkspaceFiles) -> bool:
    """Return whether the place is `module.name` of an exporter."""
    if one.role != Role.ATTRIBUTE or not one.module:
        return False
    if document.language == "go":
        imported = [
            module for module, _ in find_imports("go", document.text) if module.rpartition("/")[2] == one.module
        ]
        return any(set(exporters) & set(files.imported(module, "", document)) for module in imported)
    for module, name in _modules_named(one.module, document):
        found = files.imported(module, name, document)
        is_module = not name or files.imported(module, "", document)[:1] != found[:1]
        if is_module and found[:1] in [[path] for path in exporters] and _is_imported_so(one.module, document):
            return True
    return False


def _takes_all(document: Document, exporters: list[str], files: WorkspaceFiles) -> bool:
    """Return whether a file of Python takes all names of an exporter."""
    modules = [match[1] for match in _ALL.finditer(document.text)] if document.language == "python" else []
    return any(files.imported(module, "", document)[:1] in [[path] for path in exporters] for module in modules)


def _modules_named(owner: str, document: Document) -> Iterator[tuple[str, str]]:
    """Yield the imports that may give the owner its name, as modules and the names taken from them."""
    for module, names in find_imports(document.language, document.text):
        if owner in names or (owner == module and not names):
            yield module, owner if names else ""
    for match in _ALIAS.finditer(document.text):
        if match[3] == owner:
            yield (match[1], match[2]) if match[1] else (match[2], "")


def _is_imported_so(owner: str, document: Document) -> bool:
    """Return whether nothing but an import binds the owner's first name in the document."""
    names = find_names(document, (owner.partition(".")[0],))
    return names is not None and not any(
        one.is_target and one.role == Role.BINDING and not one.is_alias for one in names.homes
    )


def _in_package(
    origin: Document, old: str, new: str, files: WorkspaceFiles
) -> Iterator[tuple[Document, list[Occurrence]]]:
    """Yield the files of Go's package that use the name."""
    folder, package = dirname(origin.path), _GO_PACKAGE.search(origin.text)
    for document in files.documents(files.in_folder(folder, "go", _MAX_OF_PACKAGE)):
        other = _GO_PACKAGE.search(document.text)
        if document.path == origin.path or not has_word(document.text, old) or not package or not other:
            continue
        names = find_names(document, (old, new)) if package[1] == other[1] else None
        group = names.group(None) if names is not None else []
        places = [one for one in group if one.name == old and one.role == Role.USE]
        if places:
            yield document, places
