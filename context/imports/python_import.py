"""Import statements of Python: as other files of the workspace import a name, and from the defining module."""

import re
from collections import Counter
from collections.abc import Iterator
from posixpath import dirname, relpath

from context.documents.document import Document
from context.index.view import Definition, View
from context.syntax.imports import Import, find_imports

_MAX_IMPORTERS = 500
_SUFFIX = re.compile(r"\.pyi?$")


def python_imports(name: str, place: Definition, document: Document, view: View) -> Iterator[tuple[str, Import]]:
    """Yield statements that may import a definition, from a package that re-exports the name first."""
    package = _top_package(place.path, view)
    modules = [_module_name(_module_path(place.path), document, view)]
    if package and not document.path.startswith(f"{package}/"):
        exporting = _exporting_package(name, place.path, package, view)
        modules = [_dotted(exporting, package), *modules] if exporting else modules
    for module in modules:
        yield f"from {module} import {name}", (module, [name])


def copy_imports(name: str, document: Document, view: View) -> tuple[list[str], list[str]]:
    """Return the statements by which other files import the name: those of the same package, and all others.

    The most frequent statement comes first in each list.
    """
    counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    package = _top_package(document.path, view)
    for path, imported in view.importers(name, document.language, _MAX_IMPORTERS):
        if path != document.path and (statement := _translate(name, imported, path, document, view)):
            counts[_top_package(path, view) != package][statement] += 1
    near, far = ([statement for statement, _ in each.most_common()] for each in counts)
    return near, far


def _translate(name: str, imported: Import, path: str, document: Document, view: View) -> str | None:
    """Translate the import of another file into one of the document; None when the document has no such import."""
    module, names = imported
    if not names:
        return f"import {name}"
    files = view.imported_files((module, [name]), path, "python")
    if not files:
        return None if module.startswith(".") else f"from {module} import {name}"
    # A submodule comes before the package that it is imported from.
    imported_path = _module_path(files[-1])
    if len(files) == 1 and imported_path.rpartition("/")[2] == name != module.rpartition(".")[2]:
        imported_path = dirname(imported_path)
    if imported_path == _module_path(document.path):
        return None
    written = _module_name(imported_path, document, view)
    if written.startswith(".") and view.imported_files((written, [name]), document.path, "python") != files:
        written = module
    return f"from {written} import {name}"


def _module_path(path: str) -> str:
    return _SUFFIX.sub("", path).removesuffix("/__init__")


def _module_name(path: str, document: Document, view: View) -> str:
    """Return the name of a module: relative if the document imports its own package so, else absolute."""
    package = _top_package(f"{path}/x", view) or _top_package(path, view)
    if package and document.path.startswith(f"{package}/"):
        relative = _relative(path, document.path)
        used = [written for written, _ in find_imports("python", document.text) if written.startswith(".")]
        if any(_dots(relative) <= _dots(written) for written in used):
            return relative
    return _dotted(path, _root(package, document)) if package else re.sub(r"^(?:src|lib)/", "", path).replace("/", ".")


def _root(package: str, document: Document) -> str:
    """Return the outermost folder around a package by whose name the document imports: it may lack an `__init__.py`."""
    used = {module.partition(".")[0] for module, _ in find_imports("python", document.text)}
    folders = package.split("/")
    return next(("/".join(folders[: n + 1]) for n, name in enumerate(folders) if name in used), package)


def _dotted(path: str, package: str) -> str:
    """Return the name of a module, from the folder that holds its outermost package."""
    outside = dirname(package)
    return path[len(outside) + 1 if outside else 0 :].replace("/", ".")


def _top_package(path: str, view: View) -> str:
    """Return the outermost package around a file, "" without one. A folder in it may lack an `__init__.py`."""
    folders = []
    folder = dirname(path)
    while folder:
        folders.append(folder)
        folder = dirname(folder)
    packages = view.existing(f"{folder}/__init__.py" for folder in folders)
    return next((folder for folder in reversed(folders) if f"{folder}/__init__.py" in packages), "")


def _exporting_package(name: str, path: str, package: str, view: View) -> str:
    """Return the outermost package whose `__init__.py` imports the name for others; "" without one."""
    folders = []
    folder = dirname(path)
    while folder.startswith(package):
        folders.append(folder)
        folder = dirname(folder)
    exporting = (
        folder
        for folder in reversed(folders)
        if any(name in names for _, names in view.imports(f"{folder}/__init__.py"))
    )
    return next(exporting, "")


def _relative(path: str, from_path: str) -> str:
    steps = relpath(path, dirname(from_path) or ".").split("/")
    up = steps.count("..")
    return "." * (up + 1) + ".".join(steps[up:]) if steps != ["."] else "."


def _dots(module: str) -> int:
    return len(module) - len(module.lstrip("."))
