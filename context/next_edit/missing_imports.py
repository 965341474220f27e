"""The rule of a missing import: a name that the last edits have put in means nothing, and one import gives it."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from context.documents.document import Document
from context.documents.edits import Edit
from context.documents.snapshot import Snapshot
from context.imports.import_statements import find_import_statements, place_import
from context.next_edit.names.language_names import SCRIPTS, is_of_language
from context.next_edit.names.occurrences import Role
from context.next_edit.names.resolve_names import find_names
from context.next_edit.proposal import Proposal, Rule
from context.next_edit.replacements import find_replacements, typed_spans
from context.next_edit.workspace.workspace_files import WorkspaceFiles
from context.syntax.imports import find_imports

_CONFIDENCE = 0.8
_MAX_NAMES = 12  # of the last edits
_LANGUAGES = frozenset({"python", *SCRIPTS, "rust", "java"})
_NAME = re.compile(r"[^\W\d]\w{2,}")
_OF_ANOTHER = re.compile(r"(?:(?<!\.\.)\.|\bexport \* as )$")  # stands before a name that another one gives its meaning
_MOST_BEFORE = 12  # characters
_STAR = re.compile(r"^[ \t]*from .* import \*", re.MULTILINE)


def find_missing_imports(edits: Sequence[Edit], snapshot: Snapshot, files: WorkspaceFiles) -> list[Proposal]:
    """Return the imports that the names need which the last edits have put into the snapshot's document."""
    document = snapshot.document
    if document.language not in _LANGUAGES or files.view is None or _STAR.search(document.text):
        return []
    is_script = document.language in SCRIPTS
    for name, starts in _typed_names(edits, snapshot).items():
        uses = _undefined_uses(name, document)
        if not uses & starts or (is_script and not uses <= starts):  # a script had the name without an import
            continue
        found = _instead(name, edits, document, files) or add_import(name, document, files)
        if found is not None:
            return [found]
    return []


def _typed_names(edits: Sequence[Edit], snapshot: Snapshot) -> dict[str, set[int]]:
    """Return the names in the text of the last edits, without one that the cursor touches, and where they stand."""
    found: dict[str, set[int]] = {}
    for start, end in typed_spans(edits, snapshot.document):
        for match in _NAME.finditer(snapshot.document.text, start, end):
            found.setdefault(match[0], set()).add(match.start())
    finished = (
        (name, starts)
        for name, starts in found.items()
        if any(not start <= snapshot.cursor <= start + len(name) for start in starts)
    )
    return dict(islice(finished, _MAX_NAMES))


def is_undefined(name: str, document: Document) -> bool:
    """Return whether the file uses the name, and neither binds it nor has it from the language."""
    return bool(_undefined_uses(name, document))


def _undefined_uses(name: str, document: Document) -> set[int]:
    """Return where the file uses a name that it neither binds nor has from the language."""
    if is_of_language(name, document.language) or (document.language == "python" and _is_package(name, document)):
        return set()
    names = find_names(document, (name,))
    if names is None or any(one.is_target and one.role != Role.ATTRIBUTE for one in names.homes):
        return set()
    uses = {one.start for one, home in names.homes.items() if one.role == Role.USE and home is None}
    return {start for start in uses if not _OF_ANOTHER.search(document.text, max(0, start - _MOST_BEFORE), start)}


def _is_package(name: str, document: Document) -> bool:
    """Return whether a statement binds the name to a package, by importing a module of it: `import name.module`."""
    dotted = rf"\bimport\b[^\n(]*?(?<![\w.]){name}(?:\.\w+)+\b(?![ \t]+as\b)"
    return f"{name}." in document.text and re.search(rf"^[ \t]*{dotted}", document.text, re.MULTILINE) is not None


def add_import(name: str, document: Document, files: WorkspaceFiles) -> Proposal | None:
    """Return the one import that gives the name; None where there is none, or a choice."""
    statements = find_import_statements(name, document, files.view) if files.view is not None else []
    if len(statements) != 1 or not _fits_the_uses(name, statements[0], document):
        return None
    if document.language == "python" and _is_circular(name, statements[0], document, files):
        return None
    place = place_import(document, statements[0], files.view)
    return Proposal(document, place.start, place.end, place.text, Rule.IMPORT, _CONFIDENCE)


def _fits_the_uses(name: str, statement: str, document: Document) -> bool:
    """Return whether the statement takes the name from a module, or each use of the name is one of a module."""
    if document.language != "python" or statement.startswith("from "):
        return True
    names = find_names(document, (name,))
    uses = [one for one, home in names.homes.items() if home is None and one.role == Role.USE] if names else []
    return all(document.text[one.end : one.end + 1] == "." for one in uses)


def _is_circular(name: str, statement: str, document: Document, files: WorkspaceFiles) -> bool:
    """Return whether the module that the statement takes the name from imports this file."""
    module, _ = find_imports(document.language, statement)[0]
    return any(
        path != document.path and files.takes_from(path, document.path)
        for path in files.imported(module, name, document)[:1]
    )


def _instead(name: str, edits: Sequence[Edit], document: Document, files: WorkspaceFiles) -> Proposal | None:
    """Return the change of the import of a name that the edits replaced by this one, from the same module."""
    for old in _replaced_by(name, edits, document):
        names = find_names(document, (old,))
        imports = [one for one in names.homes if one.role == Role.IMPORT] if names is not None else []
        if names is None or len(imports) != 1:
            continue
        defining = files.imported(imports[0].owner, old, document)[:1]
        if files.view is None or not defining:
            continue
        defined = {definition.symbol.name for definition in files.view.definitions_in(defining[0])}
        if name not in defined:
            continue
        is_used = any(one.role == Role.USE for one in names.group(names.homes[imports[0]]))
        start, end, text = imports[0].start, imports[0].end, name
        if is_used:
            start, text = end, f", {name}"
        return Proposal(document, start, end, text, Rule.IMPORT, _CONFIDENCE)
    return None


def _replaced_by(name: str, edits: Sequence[Edit], document: Document) -> Iterator[str]:
    for change in find_replacements(edits, [document]):
        if change.new == name and change.old.isidentifier():
            yield change.old
