"""Imports of a name that the workspace defines. Each statement is checked to mean the defining file."""

import re
from collections.abc import Callable, Iterator
from posixpath import dirname, relpath

from context.documents.document import Document
from context.imports.python_import import copy_imports, python_imports
from context.index.view import Definition, View
from context.syntax.imports import Import

_MAX_DEFINITIONS = 8  # nothing tells which definition of a more common name is meant
_SCRIPT_SUFFIX = re.compile(r"(?:/index)?\.(?:d\.[mc]?ts|[mc]?[jt]sx?)$")
_OUTPUT_FOLDER = re.compile(r"(?:^|/)(?:dist|build|node_modules)/")  # of what a build or a package manager writes
_TYPED_SUFFIX = re.compile(r"\.([mc]?)tsx?$")
_IMPORT_WITH_SUFFIX = re.compile(r"""\b(?:from|import)\s+["']\.[^"'\n]*\.[mc]?js["']""")
_HEADERS = (".h", ".hh", ".hpp", ".hxx", ".h++", ".cuh")
_JAVA_ROOT = re.compile(r"(?:^|.*/)java/(?=[^/]+/)|^src/")
_TEST_PATH = re.compile(r"(?:^|/)(?:tests?|testing)/|(?:^|/)test_|_test\.|\.(?:test|spec)\.")

# A statement, and its parsed form as `find_imports` of context.syntax.imports gives it.
_Candidate = tuple[str, Import]


def find_workspace_imports(name: str, document: Document, view: View) -> list[str]:
    """Return the statements that import the name, the likeliest first.

    Statements that files of the same package use come first, then those that mean a definition, then those that
    farther files use.
    """
    candidates = _CANDIDATES.get(document.language)
    if candidates is None:
        return []
    near, far = copy_imports(name, document, view) if document.language == "python" else ([], [])
    places = view.definitions([name], _MAX_DEFINITIONS).get(name, [])
    outermost = [place for place in places if not place.symbol.container and place.path != document.path]
    defined = []
    for place in sorted(outermost, key=lambda place: _distance(place.path, document.path)):
        for statement, imported in candidates(name, place, document, view):
            if place.path in _imported_files(imported, document, view):
                defined.append(statement)
                break
    return list(dict.fromkeys([*near, *defined, *far]))


def _imported_files(imported: Import, document: Document, view: View) -> set[str]:
    """Return the files of an import, and those from which the packages among them re-export the name."""
    files = view.imported_files(imported, document.path, document.language)
    reexported = [
        file
        for path in files
        if path.endswith("/__init__.py")
        for inner in view.imports(path)
        if set(inner[1]) & {*imported[1], "*"}
        for file in view.imported_files(inner, path, document.language)
    ]
    return {*files, *reexported}


def _distance(path: str, from_path: str) -> tuple[bool, int, str]:
    """Return a sort key by which near files come first, and tests after all other files."""
    is_foreign_test = bool(_TEST_PATH.search(path)) and not _TEST_PATH.search(from_path)
    return is_foreign_test, relpath(dirname(path) or ".", dirname(from_path) or ".").count("/"), path


def _script(name: str, place: Definition, document: Document, view: View) -> Iterator[_Candidate]:
    line = view.lines(place.path, place.symbol.first_line, place.symbol.first_line + 1)
    is_output = _OUTPUT_FOLDER.search(place.path) is not None and _OUTPUT_FOLDER.search(document.path) is None
    if is_output or not line.lstrip().startswith("export"):
        return
    path = relpath(place.path, dirname(document.path) or ".")
    is_with_suffix = not re.search(r"\.d\.[mc]?ts$", path) and _IMPORT_WITH_SUFFIX.search(document.text) is not None
    module = _TYPED_SUFFIX.sub(r".\1js", path) if is_with_suffix else _SCRIPT_SUFFIX.sub("", path)
    module = module if module.startswith(".") else f"./{module}"
    quote = "'" if document.text.count("'") > document.text.count('"') else '"'
    end = ";" if re.search(r";[ \t]*$", document.text, re.MULTILINE) or not document.text.strip() else ""
    clause = name if re.match(r"\s*export\s+default\b", line) else f"{{ {name} }}"
    yield f"import {clause} from {quote}{module}{quote}{end}", (module, [name])


def _rust(name: str, place: Definition, _document: Document, _view: View) -> Iterator[_Candidate]:
    inner = place.path.rpartition("src/")[2].removesuffix(".rs")
    path = "::".join(["crate", *inner.removesuffix("/mod").split("/")])
    yield f"use {path}::{name};", (path, [name])


def _java(name: str, place: Definition, _document: Document, _view: View) -> Iterator[_Candidate]:
    module = _JAVA_ROOT.sub("", place.path).removesuffix(".java").replace("/", ".")
    if module.endswith(f".{name}"):
        yield f"import {module};", (module, [name])


def _c(_name: str, place: Definition, document: Document, _view: View) -> Iterator[_Candidate]:
    if not place.path.endswith(_HEADERS):
        return
    for root in ("include/", "src/"):
        head, found, rest = place.path.partition(root)
        if found and (not head or head.endswith("/")):
            yield f'#include "{rest}"', (rest, [])
    near = relpath(place.path, dirname(document.path) or ".")
    yield f'#include "{near}"', (near, [])


_CANDIDATES: dict[str, Callable[[str, Definition, Document, View], Iterator[_Candidate]]] = {
    "python": python_imports,
    "javascript": _script,
    "javascriptreact": _script,
    "typescript": _script,
    "typescriptreact": _script,
    "rust": _rust,
    "java": _java,
    "c": _c,
    "cpp": _c,
}
