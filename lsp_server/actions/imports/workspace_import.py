"""How a file imports a name that the workspace defines: the statements, each checked to mean the defining file."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from posixpath import dirname, relpath

from context.documents.document import Document
from context.index.view import Definition, View
from context.syntax.imports import Import, find_imports

_MOST_PLACES = 8  # a name that is defined in more is too common to tell which is meant
_MOST_IMPORTERS = 500
_PYTHON_SUFFIX = re.compile(r"\.pyi?$")
_SCRIPT_SUFFIX = re.compile(r"(?:/index)?\.(?:d\.ts|[mc]?[jt]sx?)$")
_HEADERS = (".h", ".hh", ".hpp", ".hxx", ".h++", ".cuh")
_JAVA_ROOT = re.compile(r"(?:^|.*/)java/(?=[^/]+/)|^src/")
_TEST_PATH = re.compile(r"(?:^|/)(?:tests?|testing)/|(?:^|/)test_|_test\.|\.(?:test|spec)\.")

# A statement, and the import that it is, as context.syntax.imports reads it.
_Way = tuple[str, Import]


def workspace_imports(name: str, document: Document, view: View) -> list[str]:
    """The statements, the likeliest first: as other files of the workspace import the name, then as they could.

    None when nothing that can be imported is called so.
    """
    ways = _WAYS.get(document.language)
    if ways is None:
        return []
    near, far = _as_others_do(name, document, view) if document.language == "python" else ([], [])
    places = view.definitions([name], _MOST_PLACES).get(name, [])
    outermost = [place for place in places if not place.symbol.container and place.path != document.path]
    could = []
    for place in sorted(outermost, key=lambda place: _distance(place.path, document.path)):
        for statement, imported in ways(name, place, document, view):
            if place.path in _meant_files(imported, document, view):
                could.append(statement)
                break
    return list(dict.fromkeys([*near, *could, *far]))


def _as_others_do(name: str, document: Document, view: View) -> tuple[list[str], list[str]]:
    """Files of the same package, and all others; of each the most frequent statement first."""
    counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    package = _top_package(document.path, view)
    for path, imported in view.importers(name, document.language, _MOST_IMPORTERS):
        if path != document.path and (statement := _said_here(name, imported, path, document, view)):
            counts[_top_package(path, view) != package][statement] += 1
    near, far = ([statement for statement, _ in each.most_common()] for each in counts)
    return near, far


def _said_here(name: str, imported: Import, path: str, document: Document, view: View) -> str | None:
    """What another file's import is in this one; None when it cannot be said."""
    module, names = imported
    if not names:
        return f"import {name}"
    files = view.imported_files((module, [name]), path, "python")
    if not files:
        return None if module.startswith(".") else f"from {module} import {name}"
    # A submodule comes before the package that it is imported from.
    meant = _module_path(files[-1])
    if len(files) == 1 and meant.rpartition("/")[2] == name != module.rpartition(".")[2]:
        meant = dirname(meant)
    if meant == _module_path(document.path):
        return None
    written = _written(meant, document, view)
    if written.startswith(".") and view.imported_files((written, [name]), document.path, "python") != files:
        written = module
    return f"from {written} import {name}"


def _module_path(path: str) -> str:
    return _PYTHON_SUFFIX.sub("", path).removesuffix("/__init__")


def _written(module: str, document: Document, view: View) -> str:
    """The name of a module, in the way that the document names those of its own package."""
    package = _top_package(f"{module}/x", view) or _top_package(module, view)
    if package and document.path.startswith(f"{package}/"):
        relative = _relative(module, document.path)
        used = [written for written, _ in find_imports("python", document.text) if written.startswith(".")]
        if any(_dots(relative) <= _dots(written) for written in used):
            return relative
    return _dotted(module, package) if package else re.sub(r"^(?:src|lib)/", "", module).replace("/", ".")


def _meant_files(imported: Import, document: Document, view: View) -> set[str]:
    """Those of an import, and those that the packages among them hand on the name from."""
    files = view.imported_files(imported, document.path, document.language)
    handed_on = [
        file
        for path in files
        if path.endswith("/__init__.py")
        for inner in view.imports(path)
        if set(inner[1]) & {*imported[1], "*"}
        for file in view.imported_files(inner, path, document.language)
    ]
    return {*files, *handed_on}


def _distance(path: str, from_path: str) -> tuple[bool, int, str]:
    """What is near comes first, and tests after what they test."""
    is_foreign_test = bool(_TEST_PATH.search(path)) and not _TEST_PATH.search(from_path)
    return is_foreign_test, relpath(dirname(path) or ".", dirname(from_path) or ".").count("/"), path


def _python(name: str, place: Definition, document: Document, view: View) -> Iterator[_Way]:
    package = _top_package(place.path, view)
    modules = [_written(_module_path(place.path), document, view)]
    if package and not document.path.startswith(f"{package}/"):
        handing = _handing_package(name, place.path, package, view)
        modules = [_dotted(handing, package), *modules] if handing else modules
    for written in modules:
        yield f"from {written} import {name}", (written, [name])


def _dotted(path: str, package: str) -> str:
    """The name of a module, from the folder that its outermost package is in."""
    outside = dirname(package)
    return path[len(outside) + 1 if outside else 0 :].replace("/", ".")


def _top_package(path: str, view: View) -> str:
    """The outermost package around a file, folders without an `__init__.py` in it included; "" when it is in none."""
    folders = []
    folder = dirname(path)
    while folder:
        folders.append(folder)
        folder = dirname(folder)
    packages = view.existing(f"{folder}/__init__.py" for folder in folders)
    return next((folder for folder in reversed(folders) if f"{folder}/__init__.py" in packages), "")


def _handing_package(name: str, path: str, package: str, view: View) -> str:
    """The outermost package that imports the name for others to import; "" when none does."""
    folders = []
    folder = dirname(path)
    while folder.startswith(package):
        folders.append(folder)
        folder = dirname(folder)
    hands_on = (
        folder
        for folder in reversed(folders)
        if any(name in names for _, names in view.imports(f"{folder}/__init__.py"))
    )
    return next(hands_on, "")


def _relative(module: str, from_path: str) -> str:
    steps = relpath(module, dirname(from_path) or ".").split("/")
    up = steps.count("..")
    return "." * (up + 1) + ".".join(steps[up:]) if steps != ["."] else "."


def _script(name: str, place: Definition, document: Document, view: View) -> Iterator[_Way]:
    line = view.lines(place.path, place.symbol.first_line, place.symbol.first_line + 1)
    if not line.lstrip().startswith("export"):
        return
    module = _SCRIPT_SUFFIX.sub("", relpath(place.path, dirname(document.path) or "."))
    module = module if module.startswith(".") else f"./{module}"
    quote = "'" if document.text.count("'") > document.text.count('"') else '"'
    end = ";" if re.search(r";[ \t]*$", document.text, re.MULTILINE) or not document.text.strip() else ""
    clause = name if re.match(r"\s*export\s+default\b", line) else f"{{ {name} }}"
    yield f"import {clause} from {quote}{module}{quote}{end}", (module, [name])


def _rust(name: str, place: Definition, _document: Document, _view: View) -> Iterator[_Way]:
    inner = place.path.rpartition("src/")[2].removesuffix(".rs")
    path = "::".join(["crate", *inner.removesuffix("/mod").split("/")])
    yield f"use {path}::{name};", (path, [name])


def _java(name: str, place: Definition, _document: Document, _view: View) -> Iterator[_Way]:
    module = _JAVA_ROOT.sub("", place.path).removesuffix(".java").replace("/", ".")
    if module.endswith(f".{name}"):
        yield f"import {module};", (module, [name])


def _c(_name: str, place: Definition, document: Document, _view: View) -> Iterator[_Way]:
    if not place.path.endswith(_HEADERS):
        return
    for root in ("include/", "src/"):
        head, found, rest = place.path.partition(root)
        if found and (not head or head.endswith("/")):
            yield f'#include "{rest}"', (rest, [])
    near = relpath(place.path, dirname(document.path) or ".")
    yield f'#include "{near}"', (near, [])


_WAYS: dict[str, Callable[[str, Definition, Document, View], Iterator[_Way]]] = {
    "python": _python,
    "javascript": _script,
    "javascriptreact": _script,
    "typescript": _script,
    "typescriptreact": _script,
    "rust": _rust,
    "java": _java,
    "c": _c,
    "cpp": _c,
}


def _dots(module: str) -> int:
    return len(module) - len(module.lstrip("."))
