"""Finds the definitions in a syntax tree by the rules of its grammar."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from context.documents.work_limit import WorkLimit
from context.syntax.grammars import DefinitionRule

_MAX_SIGNATURE_CHARACTERS = 600
_MAX_NAME_CHARACTERS = 200
# The kinds of definitions that methods and fields are in. What lies in others is local to them.
_CONTAINERS = frozenset({"class", "struct", "interface", "enum", "implementation", "module", "type"})
# The nodes around a definition that belong to it.
_WRAPPERS = frozenset({"decorated_definition", "export_statement", "template_declaration"})
_NODES_A_CHECK = 1000
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Symbol:
    """A definition. `container` is the class (or the like) around it, "" at the top."""

    name: str
    kind: str
    container: str
    signature: str  # the lines up to the body, as the file has them
    first_line: int
    last_line: int


def find_symbols(
    root: Node, rules: Mapping[str, Sequence[DefinitionRule]], data: bytes, lines: Sequence[str], limit: WorkLimit
) -> list[Symbol]:
    """Return the definitions in the order of the text, without those that are local to a function.

    Raises WorkLimitError.
    """
    found: list[Symbol] = []
    around: list[Node] = []  # from the root to the parent of the node at the cursor
    open_symbols: list[tuple[int, Symbol]] = []  # with their depths, the innermost last
    cursor, visited = root.walk(), 0
    while (node := cursor.node) is not None:
        if (visited := visited + 1) % _NODES_A_CHECK == 0:
            limit.check("find its definitions")
        while open_symbols and open_symbols[-1][0] >= len(around):
            open_symbols.pop()
        is_leaf = False
        kind, names = _names_of(rules.get(node.type, ()), node, around)
        for name in names:
            inside = open_symbols[-1][1] if open_symbols else None
            symbol = _symbol(kind, name, node, around, inside, data, lines)
            found.append(symbol)
            open_symbols.append((len(around), symbol))
            is_leaf = symbol.kind not in _CONTAINERS
            if is_leaf:
                break
        if not is_leaf and cursor.goto_first_child():
            around.append(node)
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return found
            around.pop()
    return found


def _names_of(rules: Sequence[DefinitionRule], node: Node, around: Sequence[Node]) -> tuple[str, list[Node]]:
    """Return the kind of the definition that the node is, and the nodes of its names; no names for no definition."""
    for rule in rules:
        if len(around) < len(rule.around):
            continue
        places = zip(rule.around, reversed(around), strict=False)
        if any(wanted not in ("_", parent.type) for wanted, parent in places):
            continue
        if rule.has_body and node.child_by_field_name("body") is None:
            continue
        if names := _follow(node, rule.steps):
            return rule.kind, names
    return "", []


def _follow(node: Node, steps: Sequence[tuple[str, str]]) -> list[Node]:
    """Return the nodes that the steps lead to."""
    if not steps:
        return [node]
    field, wanted = steps[0]
    children = node.children_by_field_name(field) if field else node.named_children
    matching = (child for child in children if child.is_named and wanted in ("_", child.type))
    return [found for child in matching for found in _follow(child, steps[1:])]


def _symbol(
    kind: str, name: Node, node: Node, around: Sequence[Node], inside: Symbol | None, data: bytes, lines: Sequence[str]
) -> Symbol:
    whole = node
    for parent in reversed(around):
        if parent.type not in _WRAPPERS:
            break
        whole = parent
    first, last = whole.start_point[0], whole.end_point[0]
    if whole.end_point[1] == 0 and last > first:
        last -= 1
    text = data[name.start_byte : name.end_byte].decode("utf-8", "replace")
    shown_name = _SPACE.sub(" ", text[-_MAX_NAME_CHARACTERS:].split("::")[-1])
    container = inside.name if inside is not None else ""
    if inside is not None and inside.kind != "module":
        kind = {"function": "method", "variable": "field"}.get(kind, kind)
    return Symbol(shown_name, kind, container, _signature(kind, node, last, lines), first, last)


def _signature(kind: str, node: Node, last: int, lines: Sequence[str]) -> str:
    """Return the lines up to the body, `last` being the definition's last line."""
    body = node.child_by_field_name("body")
    first, end = node.start_point[0], last + 1
    if body is not None and kind not in ("enum", "type"):
        end = body.start_point[0] + 1
        # A body on lines of its own. (The column counts bytes, and white space has as many of them as characters.)
        if body.start_point[0] > first and not lines[body.start_point[0]][: body.start_point[1]].strip():
            end -= 1
    # No more lines than may have so many characters: a definition may be a million lines long.
    return "".join(lines[first : min(end, first + _MAX_SIGNATURE_CHARACTERS)])[:_MAX_SIGNATURE_CHARACTERS].rstrip()
