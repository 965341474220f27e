"""The statements that import a name, and the change of a document that writes one."""

import re
from bisect import bisect
from dataclasses import dataclass

from context.documents.document import Document
from context.imports.import_place import find_import_place
from context.imports.standard_library import find_standard_import
from context.imports.workspace_import import find_workspace_imports
from context.index.view import View
from context.syntax.imports import find_imports

_LINE_CHARACTERS = 88
_TELLING_NAMES = 3  # of an import, whose order is then no chance


@dataclass(frozen=True)
class ImportText:
    """A text to insert at an offset."""

    offset: int
    text: str


def find_import_statements(name: str, document: Document, view: View) -> list[str]:
    """Return statements that certainly import the name, without a model."""
    found = find_workspace_imports(name, document, view)
    if not found and document.language == "python" and (statement := find_standard_import(name)):
        found = [statement]
    return found


def place_import(document: Document, statement: str) -> ImportText:
    """Add the statement as a new line, or its name to the file's import from the same module."""
    if document.language == "python" and (extended := _extend_import(document, statement)):
        return extended
    place = find_import_place(document, statement)
    return ImportText(place.offset, place.before + statement + place.after)


def _extend_import(document: Document, statement: str) -> ImportText | None:
    """Add the name to an existing import; None without one, where each name has its own line, or for a long line."""
    found = find_imports("python", statement)
    module, names = found[0]
    if not names:
        return None
    taken_from: dict[str, list[int]] = {}
    for written, taken in find_imports("python", document.text):
        taken_from.setdefault(written, []).append(len(taken))
    if any(len(counts) > 1 and max(counts) == 1 for counts in taken_from.values()):
        return None
    if (bracketed := _extend_bracket(document, module, names[0])) is not None:
        return bracketed
    line = re.compile(rf"^from {re.escape(module)} import [\w, ]*\w(?=\r?$)", re.MULTILINE)
    for match in reversed(list(line.finditer(document.text))):
        if len(match[0]) + len(names[0]) + 2 <= _LINE_CHARACTERS:
            return ImportText(match.end(), f", {names[0]}")
    return None


def _extend_bracket(document: Document, module: str, name: str) -> ImportText | None:
    """Add the name to an import in brackets: in the order of the others, and on a line of its own where these are."""
    bracket = re.compile(rf"^from {re.escape(module)} import \(([\w\s,]*?\w),?\s*\)", re.MULTILINE)
    match = bracket.search(document.text)
    if match is None:
        return None
    lines = match[1].split("\n")
    between = ",\n" + lines[-1][: len(lines[-1]) - len(lines[-1].lstrip())] if len(lines) > 1 else ", "
    listed = list(re.finditer(r"\w[\w ]*", match[1]))
    order = [one[0].lower() for one in listed]
    is_ordered = len(order) >= _TELLING_NAMES and order == sorted(order)
    place = bisect(order, name.lower()) if is_ordered else len(order)
    if place == len(order):
        return ImportText(match.end(1), between + name)
    return ImportText(match.start(1) + listed[place].start(), name + between)
