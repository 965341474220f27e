"""The places of a member of a class of C or C++ outside the class: in its methods, and behind its objects' dots."""

from collections.abc import Collection, Iterator

from context.documents.document import Document
from context.next_edit.names.c_classes import c_classes
from context.next_edit.names.occurrences import Occurrence, Role, Scope, members_of
from context.next_edit.names.receivers import receivers_of
from context.next_edit.names.resolve_names import find_names
from context.next_edit.workspace.workspace_files import WorkspaceFiles

_MAX_FILES = 100


def find_class_places(
    origin: Document, body: Scope, name: str, files: WorkspaceFiles
) -> Iterator[tuple[Document, list[Occurrence]]]:
    """Yield the file of a class and those that include it, with the places of a member that are not in the class."""
    owners = {owner for owner, scope in c_classes(origin).items() if scope == body}
    holding = files.holding(name, origin.language, _MAX_FILES)
    others = [path for path in holding if path != origin.path and files.takes_from(path, origin.path)]
    for document in (origin, *files.documents(others)):
        if places := list(_places(document, name, owners)):
            yield document, places


def _places(document: Document, name: str, owners: Collection[str]) -> Iterator[Occurrence]:
    names, receivers = find_names(document, (name,)), receivers_of(document)
    if names is None or receivers is None:
        return
    members = {members_of(owner) for owner in owners}
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
