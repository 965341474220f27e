"""Finds the places of a name in a document, and the scope that each belongs to."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from context.documents.document import Document
from context.next_edit.occurrences import Occurrence, Role, Scope
from context.next_edit.python_names import python_occurrence
from context.syntax.tree import tree_of

_MAX_PLACES = 400  # of a name in a file; a name that is used more often is no name of one thing
_BINDING = (Role.BINDING, Role.IMPORT)
_SELF = frozenset({"self", "cls", "this"})


@dataclass(frozen=True)
class Names:
    """All places of some names in a document, which are taken for one name, and the scope where each is bound.

    A place that is bound nowhere in the file has the scope None.
    """

    homes: Mapping[Occurrence, Scope | None]

    def at(self, start: int) -> Occurrence | None:
        return next((one for one in self.homes if one.start == start), None)

    def group(self, home: Scope | None) -> list[Occurrence]:
        return [one for one, scope in self.homes.items() if scope == home]


def find_names(document: Document, names: Iterable[str]) -> Names | None:
    """Return the places of the names; None where there is no tree, or too many or unknown places."""
    found = find_occurrences(document, names)
    if found is None or any(one.role == Role.UNKNOWN for one in found):
        return None
    return Names(_resolve(found))


def find_occurrences(document: Document, names: Iterable[str]) -> list[Occurrence] | None:
    """Return the places of the names outside strings and comments; None without a tree or with too many places."""
    tree = tree_of(document)
    pattern = re.compile(rf"(?<![\w$])(?:{'|'.join(map(re.escape, names))})(?![\w$])")
    matches = list(pattern.finditer(document.text))
    if tree is None or len(matches) > _MAX_PLACES:
        return None
    found = []
    for match in matches:
        occurrence = python_occurrence(tree, match[0], match.start(), tree.path(*match.span()))
        if occurrence is not None:
            found.append(occurrence)
    return found


def _resolve(occurrences: Sequence[Occurrence]) -> dict[Occurrence, Scope | None]:
    declared: set[tuple[Scope, Role]] = {
        (one.scopes[0], one.role) for one in occurrences if one.role in (Role.GLOBAL, Role.NONLOCAL)
    }
    bound = {
        one.scopes[0]
        for one in occurrences
        if one.role in _BINDING
        and (one.scopes[0], Role.GLOBAL) not in declared
        and (one.scopes[0], Role.NONLOCAL) not in declared
    }
    globals_ = {scope for scope, role in declared if role == Role.GLOBAL}
    if globals_:
        bound.add(occurrences[0].scopes[-1])
    return {one: _home(one, bound, declared) for one in occurrences}


def _home(one: Occurrence, bound: set[Scope], declared: set[tuple[Scope, Role]]) -> Scope | None:
    if one.role == Role.ATTRIBUTE:
        classes = (scope for scope in one.scopes if scope.kind == "class")
        return next(classes, None) if one.owner in _SELF else None
    if one.role in (Role.KEYWORD, Role.IMPORTED, Role.MODULE):
        return None
    for index, scope in enumerate(one.scopes):
        if (scope, Role.GLOBAL) in declared:
            return one.scopes[-1]
        if scope in bound and (index == 0 or scope.kind != "class"):
            return scope
    return None
