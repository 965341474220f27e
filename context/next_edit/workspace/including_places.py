"""The places of a name of C or C++ beyond its scope: in files that include its header, and behind objects' dots."""

import re
from collections.abc import Collection, Iterator
from itertools import chain

from context.documents.document import Document
from context.next_edit.names.c_classes import c_bases, c_classes, namespace_of
from context.next_edit.names.occurrences import MEMBERS_OF, Occurrence, Role, Scope, members_of
from context.next_edit.names.receivers import receivers_of
from context.next_edit.names.resolve_names import find_names
from context.next_edit.workspace.workspace_files import WorkspaceFiles

_MAX_FILES = 100
_OVERRIDE = re.compile(r"\s*\([^;{}]{0,500}\)[^;{}()]{0,100}\b(?:override|final)\b")
_OUTERMOST = ("translation_unit", "namespace_definition")


def find_including_places(
    origin: Document, home: Scope, name: str, files: WorkspaceFiles
) -> Iterator[tuple[Document, list[Occurrence]]]:
    """Yield the files that know a name with its places.

    `home` is the body of a class, the members of one, a namespace, or the file.
    """
    holding = [path for path in files.holding(name, origin.language, _MAX_FILES) if path != origin.path]
    including = (path for path in holding if origin.path in files.included(path))
    if owners := {owner for owner, body in c_classes(origin).items() if body == home}:
        for document in chain([origin], files.documents(including)):
            derived = _add_derived(owners, document, name)
            if places := list(_places_of_member(document, name, owners, derived)):
                yield document, places
        return
    included = frozenset(files.included(origin.path))
    headers = [path for path in holding if path in included]
    if home.kind in _OUTERMOST:
        # A header is followed to the other files that include it when the name in the header is renamed.
        for document in files.documents(dict.fromkeys((*headers, *including))):
            if places := list(_outer_places(document, name, origin, home)):
                yield document, places
    elif home.kind.startswith(MEMBERS_OF):  # a definition outside the class, which a header has, or the file itself
        owner = home.kind.removeprefix(MEMBERS_OF)
        for document in chain([origin], files.documents(headers)):
            body = c_classes(document).get(owner)
            names = find_names(document, (name,)) if body is not None else None
            if body is not None and names is not None:
                if places := names.group(body):
                    yield document, places
                yield from find_including_places(document, body, name, files)


def _add_derived(owners: set[str], document: Document, name: str) -> set[Scope]:
    """Add the classes of the document that inherit the member from the owners; return the scopes of their bodies.

    A class that has a member of that name inherits it where it says `override`.
    """
    bodies, bases, names = c_classes(document), c_bases(document), find_names(document, (name,))
    homes = names.homes.items() if names is not None else ()
    own = {home for one, home in homes if one.is_target and not _overrides(one, document)}
    derived: set[Scope] = set()
    while found := {
        owner for owner in bases.keys() - owners if not bases[owner].isdisjoint(owners) and bodies[owner] not in own
    }:
        owners |= found
        derived |= {bodies[owner] for owner in found}
    return derived


def _overrides(one: Occurrence, document: Document) -> bool:
    return _OVERRIDE.match(document.text, one.end) is not None


def _places_of_member(
    document: Document, name: str, owners: Collection[str], derived: Collection[Scope]
) -> Iterator[Occurrence]:
    names, receivers = find_names(document, (name,)), receivers_of(document)
    if names is None or receivers is None:
        return
    members = {*map(members_of, owners), *derived}
    for one, home in names.homes.items():
        if one.role == Role.USE:  # in a method of the class, where the file gives it no meaning
            is_member = home is None and not members.isdisjoint(one.scopes)
        else:
            node = receivers.node_before(one)
            words = receivers.words_of(node).own if node is not None else frozenset()
            if receivers.is_key(one):
                words = receivers.words_of_literal(one)
            is_member = home in members or not words.isdisjoint(owners)
        if is_member:
            yield one


def _outer_places(document: Document, name: str, origin: Document, home: Scope) -> Iterator[Occurrence]:
    """Yield the places of a name of the file or of a namespace in another file."""
    names, space = find_names(document, (name,)), namespace_of(origin, home)
    for one, scope in names.homes.items() if names is not None else ():
        if scope is None:
            is_meant = one.role == Role.USE
        elif scope.kind in _OUTERMOST:
            is_meant = namespace_of(document, scope) == space
        else:
            is_meant = scope == members_of(space)
        if is_meant:
            yield one
