"""The records of a file (dataclasses, structs) with their fields, and the literals that set them."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from context.next_edit.calls.functions import Argument, Call, Function, Parameter
from context.syntax.tree import Tree

_DATACLASS = re.compile(r"\b(?:dataclass|define|frozen|attrs)\b|\battr\.s\b")
_RECORD_BASES = re.compile(r"\b(?:NamedTuple|BaseModel)\b")
_STRUCTS = {"type_spec": "type", "struct_item": "body"}
_LITERALS = {"composite_literal": "type", "struct_expression": "name"}
_ELEMENTS = frozenset({"keyed_element", "field_initializer", "shorthand_field_initializer", "literal_element"})


def records_in(tree: Tree, first_line: int, last_line: int) -> Iterator[Function]:
    """Yield the records whose fields touch these lines, each as the function that makes one."""
    pending = [tree.root]
    while pending:
        node = pending.pop()
        body = _body(tree, node)
        named = node.child_by_field_name("name") if body is not None else None
        if named is not None and body is not None:
            name, around = tree.text(named), (tree.start(body), tree.end(body))
            yield Function(
                name, tree.start(named), name, True, tuple(_fields(tree, body)), name, *around, is_record=True
            )
        pending += tree.children_on(node, first_line, last_line)


def _body(tree: Tree, node: Node) -> Node | None:
    """Return the fields of a record's node; None for another node."""
    if node.type in _STRUCTS:
        body = node.child_by_field_name(_STRUCTS[node.type])
        if body is not None and body.type == "struct_type":
            body = next((child for child in body.named_children if child.type == "field_declaration_list"), None)
        return body if body is not None and body.type == "field_declaration_list" else None
    if node.type != "class_definition":
        return None
    bases, parent = node.child_by_field_name("superclasses"), node.parent
    decorators = [child for child in parent.children if child.type == "decorator"] if parent is not None else []
    is_record = any(_DATACLASS.search(tree.text(decorator)) for decorator in decorators)
    is_record = is_record or (bases is not None and _RECORD_BASES.search(tree.text(bases)) is not None)
    return node.child_by_field_name("body") if is_record else None


def _fields(tree: Tree, body: Node) -> Iterator[Parameter]:
    for node in body.named_children:
        if node.type == "field_declaration":
            names = node.children_by_field_name("name")
            yield from (Parameter(tree.text(name), False, True, False) for name in names)
        elif node.type == "expression_statement" and node.named_children[0].type == "assignment":
            assignment = node.named_children[0]
            left, kind = (assignment.child_by_field_name(field) for field in ("left", "type"))
            if left is not None and kind is not None and "ClassVar" not in tree.text(kind):
                has_default = assignment.child_by_field_name("right") is not None
                yield Parameter(tree.text(left), has_default, False, False)


def literal_at(tree: Tree, start: int, end: int) -> Call | None:
    """Return the literal whose type stands at these offsets, as a call; None where there is none."""
    path = tree.path(start, end)
    node, field = path[-2][0], path[-1][1]
    if node.type not in _LITERALS or field != _LITERALS[node.type]:
        return None
    body = node.child_by_field_name("body")
    if body is None or body.has_error or any(child.type not in _ELEMENTS for child in body.named_children):
        return None
    arguments = tuple(_element(tree, child) for child in body.named_children)
    return Call(tree.start(body), tree.end(body), arguments, False)


def _element(tree: Tree, node: Node) -> Argument:
    text = tree.text(node)
    named = node.named_children[0]
    keyword = "" if node.type == "literal_element" else tree.text(named)
    return Argument(tree.start(node), tree.end(node), keyword, text)
