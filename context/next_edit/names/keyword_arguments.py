"""The places where calls of a Python function name one of its parameters."""

from collections.abc import Mapping

from context.documents.document import Document
from context.next_edit.names.occurrences import Occurrence, Role, Scope
from context.next_edit.names.resolve_names import find_names, find_occurrences
from context.syntax.tree import tree_of


def find_keywords(document: Document, function: Scope, name: str) -> list[Occurrence]:
    """Return the keywords of this name in the calls of the function in its own file."""
    tree = tree_of(document)
    node = tree.root.descendant_for_byte_range(function.start, function.end) if tree is not None else None
    named = node.child_by_field_name("name") if node is not None and node.type == "function_definition" else None
    keywords = [one for one in find_occurrences(document, (name,)) or () if one.role == Role.KEYWORD]
    if tree is None or named is None or not keywords:
        return []
    called, start = tree.text(named), tree.start(named)
    if called == "__init__":
        around = next(
            (above for above, _ in reversed(tree.path(start, start)) if above.type == "class_definition"), None
        )
        named = around.child_by_field_name("name") if around is not None else None
        if named is None:
            return []
        called, start = tree.text(named), tree.start(named)
    names = find_names(document, (called,))
    place = names.at(start) if names is not None else None
    home = names.homes.get(place) if names is not None and place is not None else None
    if names is None or home is None:
        return []
    return [one for one in keywords if _calls(one, called, home, names.homes)]


def _calls(keyword: Occurrence, called: str, home: Scope, homes: Mapping[Occurrence, Scope | None]) -> bool:
    """Return whether the keyword is an argument of a call of this name in this scope."""
    start = keyword.owner_start + len(keyword.owner) - len(called)
    return any(one.start == start and scope == home for one, scope in homes.items())
