"""The rule of a diagnostic with an obvious edit: an undefined name with one candidate."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.next_edit.missing_imports import add_import, is_undefined
from context.next_edit.names.occurrences import Occurrence, Role
from context.next_edit.names.resolve_names import find_names
from context.next_edit.proposal import Diagnostic, Proposal, Rule
from context.next_edit.workspace.workspace_files import WorkspaceFiles

_CONFIDENCE = 0.75
_ALIKE = 0.85
_MAX_ALIKE = 6
_WORD = re.compile(r"[^\W\d]\w+")
# The words of pyright, pyflakes, ruff, mypy, pylint, tsc, eslint, rustc, clang, gcc, javac and Eclipse.
_SAYS_UNDEFINED = re.compile(
    r"undefined|not defined|undeclared|not declared|cannot find|cannot be resolved|unknown type|unresolved",
    re.IGNORECASE,
)


def find_diagnosed(diagnostics: Sequence[Diagnostic], snapshot: Snapshot, files: WorkspaceFiles) -> list[Proposal]:
    """Return an edit for each name that a diagnostic calls undefined and that has one candidate.

    A name that the cursor touches may still be typed.
    """
    found: list[Proposal] = []
    document = snapshot.document
    for diagnostic in diagnostics:
        if diagnostic.start <= snapshot.cursor <= diagnostic.end:
            continue
        name = document.text[diagnostic.start : diagnostic.end]
        if not (_SAYS_UNDEFINED.search(diagnostic.message) and _WORD.fullmatch(name) and is_undefined(name, document)):
            continue
        meant = _alike(name, diagnostic.start, document)
        imported = add_import(name, document, files)
        if imported is not None and not meant:
            found.append(imported)
        elif imported is None and len(meant) == 1:
            place = diagnostic.start, diagnostic.end
            found.append(Proposal(document, *place, meant[0], Rule.DIAGNOSTIC, _CONFIDENCE))
    return found


def _alike(name: str, start: int, document: Document) -> list[str]:
    """Return the names that are known at the place and are spelled nearly as this one."""
    words = {word for word in _WORD.findall(document.text) if word != name and abs(len(word) - len(name)) < 3}
    ratios = {word: SequenceMatcher(None, name, word).ratio() for word in words if word[0].lower() == name[0].lower()}
    alike = [word for word in ratios if ratios[word] >= _ALIKE or sorted(word) == sorted(name)]
    near = sorted(alike, key=lambda word: -ratios[word])[:_MAX_ALIKE]
    undefined = find_names(document, (name,))
    place = undefined.at(start) if undefined is not None else None
    return [word for word in near if place is not None and _is_known(word, place, document)]


def _is_known(word: str, place: Occurrence, document: Document) -> bool:
    names = find_names(document, (word,))
    if names is None:
        return False
    return any(
        one.is_target and one.role != Role.ATTRIBUTE and home in place.scopes for one, home in names.homes.items()
    )
