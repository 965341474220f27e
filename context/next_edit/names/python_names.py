"""The parts that names play in Python, by the rules of its scopes."""

import re

from tree_sitter import Node

from context.next_edit.names.occurrences import TARGETS, Occurrence, Role, Scope
from context.syntax.tree import Tree

_DOTTED = re.compile(r"[\w.]+")

_Path = list[tuple[Node, str]]

_COMPREHENSIONS = frozenset(
    {"list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression"}
)
# The nodes between a target and the statement that binds it.
_PATTERNS = frozenset(
    {"pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern", "dictionary_splat_pattern", "tuple", "list"}
    | {"as_pattern_target", "parenthesized_expression"}
)
# The node and the field in it that bind a name.
_BINDINGS = frozenset(
    {
        ("assignment", "left"),
        ("augmented_assignment", "left"),
        ("for_statement", "left"),
        ("for_in_clause", "left"),
        ("as_pattern", "alias"),
        ("named_expression", "name"),
        ("function_definition", "name"),
        ("class_definition", "name"),
        ("default_parameter", "name"),
        ("typed_default_parameter", "name"),
        ("typed_parameter", ""),
        ("parameters", ""),
        ("lambda_parameters", ""),
        ("aliased_import", "alias"),
        ("delete_statement", ""),
    }
)
_PARAMETERS = frozenset(
    {"parameters", "lambda_parameters", "default_parameter", "typed_default_parameter", "typed_parameter"}
)


def python_occurrence(tree: Tree, name: str, start: int, path: _Path) -> Occurrence | None:
    """Return the name at the end of the path; None for a word that is no name (a keyword, a part of a string)."""
    leaf, field = path[-1]
    if leaf.type != "identifier":
        return None
    parent, _ = path[-2]
    role, owner, owner_start = Role.USE, "", -1
    match parent.type, field:
        case "attribute", "attribute":
            role = Role.ATTRIBUTE
            if (before := parent.child_by_field_name("object")) is not None:
                owner, owner_start = tree.text(before), tree.start(before)
        case "keyword_argument", "name":
            role = Role.KEYWORD
            call = path[-4][0] if len(path) > 3 else parent
            called = call.child_by_field_name("function") if call.type == "call" else None
            if called is not None:
                owner, owner_start = tree.text(called), tree.start(called)
        case "global_statement", _:
            role = Role.GLOBAL
        case "nonlocal_statement", _:
            role = Role.NONLOCAL
        case "keyword_pattern", _:
            role = Role.UNKNOWN if parent.named_children[0] == leaf else Role.USE
        case "dotted_name", _:
            role, owner = _dotted_role(tree, leaf, path)
        case _ if any(field == "type_parameters" for _, field in path):
            role = Role.UNKNOWN
        case ("splat_pattern", _):
            role = Role.BINDING
        case ("as_pattern", "") if path[-3][0].type == "case_pattern" and parent.named_children[-1] == leaf:
            role = Role.BINDING
        case _:
            role = Role.BINDING if _binds(path) else Role.USE
    is_target = role in TARGETS or (role == Role.ATTRIBUTE and _binds(path[:-1]))
    parameter = next((index for index in range(len(path) - 1, 0, -1) if path[index][1] == "parameters"), None)
    is_parameter = role == Role.BINDING and parameter is not None and _is_parameter(path, parameter)
    end, scopes = start + len(name), _scopes(path, role)
    is_alias = parent.type == "aliased_import"
    module = owner if role == Role.ATTRIBUTE and _DOTTED.fullmatch(owner) else ""
    return Occurrence(name, start, end, role, scopes, owner, owner_start, is_target, is_parameter, is_alias, module)


def _dotted_role(tree: Tree, leaf: Node, path: _Path) -> tuple[Role, str]:
    """Return the role of a name in a dotted name (of an import, a pattern) and the module that it comes from."""
    dotted, field = path[-2]
    around, around_field = path[-3]
    is_first = dotted.named_children[0] == leaf
    statement = path[-4][0] if around.type == "aliased_import" else around
    if statement.type in ("import_from_statement", "future_import_statement"):
        module = statement.child_by_field_name("module_name")
        owner = tree.text(module) if module is not None else "__future__"
        if field == "module_name" or around_field == "module_name":
            return Role.MODULE, owner
        return (Role.IMPORTED if around.type == "aliased_import" else Role.IMPORT), owner
    if statement.type == "import_statement":
        is_bound = is_first and around.type != "aliased_import"
        return (Role.IMPORT if is_bound and len(dotted.named_children) == 1 else Role.MODULE), ""
    if around.type == "relative_import":
        return Role.MODULE, ""
    if around.type in ("case_pattern", "keyword_pattern") and len(dotted.named_children) == 1:
        return Role.BINDING, ""
    return (Role.USE if is_first else Role.ATTRIBUTE), ""


def _binds(path: _Path) -> bool:
    index = len(path) - 1
    while path[index - 1][0].type in _PATTERNS and index > 1:
        index -= 1
    field = path[index][1]
    parent = path[index - 1][0]
    if parent.type in ("expression_list", "pattern_list") and path[index - 2][0].type == "delete_statement":
        return True
    if parent.type == "typed_parameter":
        return field != "type"
    if parent.type == "type_alias_statement":
        return field == "left"
    return (parent.type, field) in _BINDINGS


def _scopes(path: _Path, role: Role) -> tuple[Scope, ...]:
    """Return the scopes around a name, the innermost first."""
    root = path[0][0]
    scopes = [Scope(root.start_byte, root.end_byte, "module")]
    for index, (node, _) in enumerate(path[:-1]):
        inner, field = path[index + 1]
        if node.type in ("function_definition", "lambda"):
            is_parameter = field == "parameters" and role == Role.BINDING and _is_parameter(path, index + 1)
            if field == "body" or is_parameter:
                scopes.append(Scope(node.start_byte, node.end_byte, "function"))
        elif node.type == "class_definition":
            if field == "body":
                scopes.append(Scope(node.start_byte, node.end_byte, "class"))
        elif node.type in _COMPREHENSIONS and not _is_first_iterable(node, inner, path, index):
            scopes.append(Scope(node.start_byte, node.end_byte, "comprehension"))
    if role == Role.BINDING and (path[-2][0].type, path[-1][1]) == ("named_expression", "name"):
        while scopes[-1].kind == "comprehension":
            scopes.pop()
    return tuple(reversed(scopes))


def _is_parameter(path: _Path, index: int) -> bool:
    """Return whether the name is a parameter of these parameters, and of no lambda in a default."""
    return all(node.type in _PARAMETERS or node.type in _PATTERNS for node, _ in path[index:-1])


def _is_first_iterable(comprehension: Node, inner: Node, path: _Path, index: int) -> bool:
    """Return whether the name lies in the first iterable, which is looked up around the comprehension."""
    first = next((child for child in comprehension.named_children if child.type == "for_in_clause"), None)
    return inner == first and len(path) > index + 2 and path[index + 2][1] == "right"
