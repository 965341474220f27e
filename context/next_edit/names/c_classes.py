"""The classes and structs of a file in C or C++ by their names: their bodies and what they derive from."""

import re
from collections.abc import Iterator, Mapping
from itertools import islice

from tree_sitter import Node

from context.documents.document import Document
from context.documents.document_cache import DocumentCache
from context.next_edit.names.language_names import C_LANGUAGES
from context.next_edit.names.occurrences import Scope
from context.syntax.tree import Tree, tree_of

_HEAD = re.compile(r"\b(?:class|struct|union)\b")
_MAX_HEADS = 1000
_BASES = ("type_identifier", "qualified_identifier", "template_type")


@DocumentCache
def c_classes(document: Document) -> Mapping[str, Scope]:
    """Return the scopes of the classes' bodies; none in other languages. A name that two classes have means neither."""
    found = _bodies_of(document)
    return {name: Scope(body.start_byte, body.end_byte, body.type) for name, body in found.items()}


@DocumentCache
def c_bases(document: Document) -> Mapping[str, frozenset[str]]:
    """Return the names of the classes that each class of the file says that it derives from."""
    tree = tree_of(document)
    if tree is None:
        return {}
    return {name: frozenset(_bases_of(tree, body)) for name, body in _bodies_of(document).items()}


def _bases_of(tree: Tree, body: Node) -> Iterator[str]:
    for clause in body.parent.children if body.parent is not None else ():
        if clause.type == "base_class_clause":
            bases = (base for base in clause.named_children if base.type in _BASES)
            yield from (tree.text(base).partition("<")[0].rpartition(":")[2] for base in bases)


def _bodies_of(document: Document) -> dict[str, Node]:
    tree = tree_of(document) if document.language in C_LANGUAGES else None
    if tree is None:
        return {}
    found: dict[str, list[Node]] = {}
    for match in islice(_HEAD.finditer(document.text), _MAX_HEADS):
        *_, (node, _), _ = [(tree.root, ""), *tree.path(*match.span())]
        if node.type.endswith("_specifier") and (body := node.child_by_field_name("body")) is not None:
            for name in _names_of(tree, node):
                found.setdefault(name, []).append(body)
    return {name: bodies[0] for name, bodies in found.items() if len(bodies) == 1}


def _names_of(tree: Tree, node: Node) -> Iterator[str]:
    """Yield the name of a class, and the one that a `typedef` around it gives it."""
    named = {node.child_by_field_name("name")}
    if node.parent is not None and node.parent.type == "type_definition":
        named |= {node.parent.child_by_field_name("declarator")}
    yield from {tree.text(name) for name in named if name is not None and name.type == "type_identifier"}


def namespace_of(document: Document, scope: Scope) -> str:
    """Return the name of the namespace of a scope; "" for that of the file."""
    tree = tree_of(document) if scope.kind == "namespace_definition" else None
    node = tree.root.descendant_for_byte_range(scope.start, scope.start) if tree is not None else None
    while node is not None and node.type != scope.kind:
        node = node.parent
    named = node.child_by_field_name("name") if node is not None else None
    return tree.text(named).rpartition(":")[2] if tree is not None and named is not None else ""
