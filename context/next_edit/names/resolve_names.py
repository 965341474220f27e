"""Finds the places of a name in a document, and the scope that each belongs to."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from context.documents.document import Document
from context.documents.document_cache import DocumentCache
from context.next_edit.names.c_classes import c_classes
from context.next_edit.names.name_rules import NAME_RULES
from context.next_edit.names.occurrences import METHODS, SELF, TARGETS, Occurrence, Role, Scope, members_of
from context.next_edit.names.other_names import other_occurrence
from context.next_edit.names.python_classes import python_classes
from context.next_edit.names.python_names import python_occurrence
from context.syntax.tree import Tree, tree_of

_MAX_PLACES = 400  # of a name in a file; a name that is used more often is no name of one thing
_IN_WORD = re.compile(r"[\w$]")
_THIS = frozenset({"this", "self"})
_BODIES = frozenset({"class_body", "interface_body", "enum_body", "field_declaration_list"})


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
    known, asked = _known_names(document), frozenset(names)
    if asked not in known:
        found = find_occurrences(document, asked)
        is_clear = found is not None and not any(one.role == Role.UNKNOWN for one in found)
        known[asked] = Names(_resolve(found, document)) if found is not None and is_clear else None
    return known[asked]


@DocumentCache
def _known_names(_: Document) -> dict[frozenset[str], Names | None]:
    """Return what `find_names` has found in the document: many places of one change ask for the same names."""
    return {}


def find_occurrences(document: Document, names: Iterable[str]) -> list[Occurrence] | None:
    """Return the places of the names in code, and in format strings of Rust; None without a tree, or for too many."""
    tree, places = tree_of(document), _places(document, names)
    return None if tree is None or len(places) > _MAX_PLACES else list(_occurrences(tree, document.language, places))


def is_bound(document: Document, name: str) -> bool:
    """Return whether the file gives the name a meaning somewhere, or may do so."""
    tree, places = tree_of(document), _places(document, [name])
    if tree is None or len(places) > _MAX_PLACES:
        return True
    found = _occurrences(tree, document.language, places)
    return any(one.is_target or one.role == Role.UNKNOWN for one in found)


def targets_of(name: str, document: Document) -> list[Occurrence]:
    """Return the places that bind the name, in whatever scope; none where the file has no tree or too many places."""
    names = find_names(document, (name,))
    return [one for one in names.homes if one.role in TARGETS] if names is not None else []


def _places(document: Document, names: Iterable[str]) -> list[tuple[int, str]]:
    return sorted((start, name) for name in set(names) for start in find_word(document.text, name))


def _occurrences(tree: Tree, language: str, places: Sequence[tuple[int, str]]) -> Iterator[Occurrence]:
    rules = NAME_RULES.get(language)
    for start, name in places:
        path = tree.path(start, start + len(name))
        if rules is None:
            occurrence = python_occurrence(tree, name, start, path)
        else:
            occurrence = other_occurrence(tree, rules, name, start, path)
        if occurrence is not None:
            yield occurrence


def find_word(text: str, word: str) -> Iterator[int]:
    """Yield the offsets of a whole word, none for "". It is many times faster than an expression with `\\b`."""
    start = text.find(word) if word else -1
    while start >= 0:
        end = start + len(word)
        around = text[start - 1 : start] + text[end : end + 1]
        if _IN_WORD.search(around) is None:
            yield start
        start = text.find(word, end)


def has_word(text: str, word: str, times: int = 1) -> bool:
    """Return whether the text has a whole word at least so many times."""
    return len(list(islice(find_word(text, word), times))) == times


def _resolve(occurrences: Sequence[Occurrence], document: Document) -> dict[Occurrence, Scope | None]:
    """Find the scope that binds each place."""
    rules = NAME_RULES.get(document.language)
    bodies = {members_of(name): body for name, body in c_classes(document).items()}
    if bodies:
        known = [tuple(bodies.get(scope, scope) for scope in one.scopes) for one in occurrences]
        occurrences = [replace(one, scopes=scopes) for one, scopes in zip(occurrences, known, strict=True)]
    declared: set[tuple[Scope, Role]] = {
        (one.scopes[0], one.role) for one in occurrences if one.role in (Role.GLOBAL, Role.NONLOCAL)
    }
    bound: dict[Scope, list[int]] = {}
    for one in occurrences:
        if one.role in TARGETS and not {(one.scopes[0], Role.GLOBAL), (one.scopes[0], Role.NONLOCAL)} & declared:
            bound.setdefault(one.scopes[0], []).append(one.known_from)
    if any(role == Role.GLOBAL for _, role in declared):
        bound.setdefault(occurrences[0].scopes[-1], []).append(0)
    homes: dict[Occurrence, Scope | None] = {}
    for one in occurrences:
        if one.role == Role.ATTRIBUTE:
            homes[one] = _members_of(one) if rules else None
        elif one.role in (Role.KEYWORD, Role.IMPORTED, Role.EXPORTED, Role.MODULE):
            homes[one] = None
        else:
            homes[one] = _home(one, bound, declared, rules is not None and rules.shadows)
    if rules is None and any(one.role == Role.ATTRIBUTE for one in occurrences):
        homes |= _attributes(homes, document)
    return homes


def _home(
    one: Occurrence, bound: Mapping[Scope, list[int]], declared: set[tuple[Scope, Role]], shadows: bool
) -> Scope | None:
    """Return the scope that binds a name. With `shadows`, each binding in a scope makes another thing."""
    for index, scope in enumerate(one.scopes):
        if (scope, Role.GLOBAL) in declared:
            return one.scopes[-1]
        if scope not in bound or (index > 0 and scope.kind == "class"):
            continue
        known = [place for place in bound[scope] if place <= one.start or place == one.known_from]
        if one.role == Role.BINDING and index == 0:
            known = [one.known_from]
        if known:
            return Scope(max(known), scope.end, scope.kind) if shadows and max(known) else scope
    return None


def _members_of(one: Occurrence) -> Scope | None:
    """Return the scope that the members of the attribute's class belong to; None for an unknown class."""
    if one.owner in _THIS:
        return next((scope for scope in one.scopes if scope.kind.removesuffix(METHODS) in _BODIES), None)
    return members_of(one.owner) if one.owner else None


def _attributes(homes: Mapping[Occurrence, Scope | None], document: Document) -> dict[Occurrence, Scope | None]:
    """Return the classes that the attributes of Python belong to: the first that gives them a value, of those known."""
    classes = python_classes(document)
    starts: dict[Occurrence, list[Scope]] = {}
    for one in homes:
        own = next((scope for scope in one.scopes if scope.kind == "class"), None)
        if one.role != Role.ATTRIBUTE:
            continue
        if one.owner in SELF and own is not None:
            starts[one] = list(classes.lookup(own))
        elif one.owner == "super()" and own is not None:
            starts[one] = list(classes.lookup(own))[1:]
        elif one.owner in classes.by_name:
            starts[one] = list(classes.lookup(classes.by_name[one.owner].scope))
    given = {home for home in homes.values() if home is not None and home.kind == "class"}
    given |= {places[0] for one, places in starts.items() if one.is_target and one.owner in SELF}
    return {
        one: next((scope for scope in reversed(places) if scope in given and one.is_target), None)
        or next((scope for scope in places if scope in given), places[0] if places else None)
        for one, places in starts.items()
    }
