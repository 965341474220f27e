"""The parts that names play in the languages of `name_rules`."""

import re
from dataclasses import replace

from tree_sitter import Node

from context.documents.document import Document
from context.next_edit.names.language_names import SCRIPTS
from context.next_edit.names.name_rules import NAME_RULES, NameRules
from context.next_edit.names.occurrences import METHODS, Occurrence, Role, Scope, members_of
from context.next_edit.names.rust_format import is_format_argument
from context.syntax.imports import find_imports
from context.syntax.tree import Tree, tree_of

_Path = list[tuple[Node, str]]

_WORD = re.compile(r"\w+")
# The fields of a pattern that hold no name which the pattern binds.
_NOT_BOUND = frozenset({"key", "right", "type", "value", "size", "parameters"})
_AROUND_MEMBERS = ("field_declaration_list", "template_declaration")
_DECLARED = ("function_definition", "declaration")
_FUNCTIONS = re.compile("function|method|program|constructor|class_static")
_PARAMETERS = ("required_parameter", "optional_parameter")
_FIELD_MARKS = frozenset({"accessibility_modifier", "readonly", "override_modifier"})
_PRIVATE = "#"  # behind the name of the class: its `#size` and its `size` are two members
_THIS = frozenset({"this", "self", "Self"})
# The class in the name of a method of C++ outside the class: `ns::Box<T>::grow`.
_METHOD = re.compile(r"(\w+)(?:<[^()]*>)?::(?:~?\w+|operator\b.*)\s*$")
# A name in an import, with the field that it is in: its role.
_IMPORTS = {
    ("import_specifier", "name"): Role.IMPORT,
    ("use_list", ""): Role.IMPORT,
    ("use_declaration", "argument"): Role.IMPORT,
    ("use_as_clause", "path"): Role.IMPORTED,
    ("scoped_use_list", "path"): Role.MODULE,
    ("import_declaration", ""): Role.MODULE,
    ("export_specifier", "alias"): Role.KEYWORD,
}


def other_occurrence(tree: Tree, rules: NameRules, name: str, start: int, path: _Path) -> Occurrence | None:
    """Return the name at the end of the path; None for a word that is no name."""
    leaf, field = path[-1]
    if is_format_argument(tree, start, path):
        return Occurrence(name, start, start + len(name), Role.USE, _scopes(tree, path, rules))
    if "identifier" not in leaf.type or leaf.named_child_count or len(path) < 2:
        return None
    parent = path[-2][0]
    scopes = _scopes(tree, path, rules)
    if parent.type in ("method_declaration", "method_invocation") and field == "name" and not rules.members:
        scopes = tuple(replace(scope, kind=scope.kind + METHODS) for scope in scopes)
    blank = Occurrence(name, start, start + len(name), Role.USE, scopes)
    if (
        parent.type == "package_clause"
        or (leaf.type in rules.parts and parent.type != "qualified_identifier")
        or (parent.type in rules.parts and not _is_used(path))
    ):
        return replace(blank, role=Role.MODULE)
    if (role := _import_role(path)) is not None:
        return replace(blank, role=role, is_target=role == Role.IMPORT, owner=_module(tree, path))
    if (parent.type, field) in rules.keys or _is_of_nameless_type(path):
        return replace(blank, role=Role.KEYWORD)
    if parent.type == "field_initializer" and not field:  # of C++: a member or a base class, and no parameter
        inner = [index for index, scope in enumerate(scopes) if scope.kind == "function_definition"]
        return replace(blank, scopes=scopes[inner[0] + 1 :] if inner else scopes)
    if parent.type == "method_reference" and parent.named_children[0] != leaf:
        return replace(blank, role=Role.UNKNOWN)
    if _is_constructor(path):
        return blank  # it has the name of its class
    if (owner := _owner(tree, path, rules)) is not None:
        is_target = (parent.type, field) in rules.members or _is_method(path) or _is_defined_outside(path)
        module = parent.child_by_field_name("operand")
        before = tree.text(module) if module is not None and module.type == "identifier" else ""
        return replace(blank, role=Role.ATTRIBUTE, owner=owner, is_target=is_target, module=before)
    if "shorthand" in leaf.type or parent.type == "shorthand_field_initializer":
        blank = replace(blank, shorthand=f"{name}: ")
    binding = _binding_node(path, rules)
    if binding is None and leaf.type in ("property_identifier", "field_identifier") and rules.members:
        return replace(blank, role=Role.KEYWORD)
    if binding is None or (name[0].isupper() and binding.type in ("match_pattern", "let_condition")):
        return blank
    if binding.type == "variable_declarator" and _declares_var(path):
        blank = replace(blank, scopes=_hoisted(blank.scopes))
    return replace(blank, role=Role.BINDING, is_target=True, known_from=_known_from(tree, path, rules))


def _is_of_nameless_type(path: _Path) -> bool:
    """Return whether the name is a member of a type that is written where it is used, as in `x: {name: string}`."""
    if path[-2][0].type not in ("property_signature", "method_signature") or path[-1][1] != "name":
        return False
    return path[-3][0].type == "object_type" and (len(path) < 4 or path[-4][0].type != "type_alias_declaration")


def _is_used(path: _Path) -> bool:
    """Return whether a scoped name is part of the code, and not of an import or a package's name."""
    return not any(node.type in ("import_declaration", "package_declaration", "use_declaration") for node, _ in path)


def _import_role(path: _Path) -> Role | None:
    field, parent = path[-1][1], path[-2][0]
    if parent.type == "import_specifier" and field == "name" and parent.child_by_field_name("alias") is not None:
        return Role.IMPORTED
    if (parent.type, field) == ("export_specifier", "name") and _is_from_elsewhere(path):
        return Role.EXPORTED if parent.child_by_field_name("alias") is None else Role.IMPORTED
    if parent.type == "scoped_identifier" and any(node.type == "use_declaration" for node, _ in path):
        is_last = field == "name" and path[-3][0].type in ("use_declaration", "use_list")
        return Role.IMPORT if is_last else Role.MODULE
    return _IMPORTS.get((parent.type, field))


def _is_from_elsewhere(path: _Path) -> bool:
    """Return whether a statement hands on names of another module: `export { a } from "./a"`."""
    return any(node.child_by_field_name("source") is not None for node, _ in path[-4:-1])


def _module(tree: Tree, path: _Path) -> str:
    """Return the module that an import takes the name from, as `find_imports` writes it."""
    for node, _ in reversed(path[:-1]):
        if (source := node.child_by_field_name("source")) is not None:
            return tree.text(source).strip("'\"")
        if node.type == "use_declaration":
            paths = find_imports("rust", tree.text(node) + ";")
            word = tree.text(path[-1][0])
            return next((module for module, names in paths if names == [word]), "")
    return ""


def _scopes(tree: Tree, path: _Path, rules: NameRules) -> tuple[Scope, ...]:
    """Return the scopes around a name, the innermost first; the last is the file, which may be one large error."""
    root = path[0][0]
    scopes = [] if root.type in rules.scopes else [Scope(root.start_byte, root.end_byte, root.type)]
    for index, (node, _) in enumerate(path[:-1]):
        fields = rules.scopes.get(node.type)
        if fields is None:
            continue
        below = index + 1
        while path[below][1] == "declarator" and below < len(path) - 1 and "declarator" not in fields:
            below += 1
        is_own = node.type == "function_declarator" and bool(scopes) and scopes[-1].kind == "function_definition"
        if (not fields or path[below][1] in fields) and not is_own:
            if node.type == "function_definition" and (method := _METHOD.search(_declared(tree, node))) is not None:
                scopes.append(members_of(method[1]))
            scopes.append(Scope(node.start_byte, node.end_byte, node.type))
    return tuple(reversed(scopes))


def _declared(tree: Tree, function: Node) -> str:
    """Return what stands in the head of a function of C++ between its type and its parameters."""
    declarator = function.child_by_field_name("declarator")
    return tree.text(declarator).partition("(")[0] if declarator is not None else ""


def _owner(tree: Tree, path: _Path, rules: NameRules) -> str | None:
    """Return the class whose member the name is, "" where that is not known, None for no member."""
    leaf, field = path[-1]
    parent = path[-2][0]
    if leaf.type == "private_property_identifier":
        return _class_around(tree, path, rules) + _PRIVATE
    if parent.type in rules.accesses and field == rules.accesses[parent.type][1]:
        before = parent.child_by_field_name(rules.accesses[parent.type][0])
        if before is None:
            return None  # a call of a method of this object
        text = tree.text(before)
        if parent.type == "qualified_identifier":
            return text.partition("<")[0].rpartition(":")[2]
        return text if not rules.members and text in _THIS else _class_of(tree, text, path, rules)
    if (parent.type, field) in rules.members or _is_method(path):
        return _class_around(tree, path, rules)
    if parent.type in ("field_initializer", "field_pattern") and leaf.type == "field_identifier":
        literal = path[-4][0].child_by_field_name("name") if len(path) > 3 else None
        pattern = path[-3][0].child_by_field_name("type")
        named = literal or pattern
        return _class_of(tree, tree.text(named), path, rules) if named is not None else ""
    if parent.type == "literal_element" and field == "" and path[-2][1] == "key":
        literals = [node.child_by_field_name("type") for node, _ in path if node.type == "composite_literal"]
        kind = literals[-1] if literals else None
        if kind is None or kind.type != "map_type":
            return tree.text(kind) if kind is not None and kind.type == "type_identifier" else ""
    return None


def _is_defined_outside(path: _Path) -> bool:
    """Return whether a member of C++ is defined outside its class here: `int Box::size = 1;`."""
    if path[-2][0].type != "qualified_identifier":
        return False
    around = (node.type for node, field in reversed(path[:-1]) if field not in ("name", "declarator"))
    return next(around, "") in ("function_definition", "declaration")


def _is_constructor(path: _Path) -> bool:
    """Return whether the name is that of a constructor of Java or C++, which has no type of its own."""
    if path[-2][0].type == "constructor_declaration":
        return path[-1][1] == "name"
    around = [node for node, _ in path[:-1] if node.type != "qualified_identifier"]
    if len(around) < 3 or around[-1].type != "function_declarator" or path[-1][1] not in ("declarator", "name"):
        return False
    is_member = path[-2][0].type == "qualified_identifier" or around[-3].type in _AROUND_MEMBERS
    return is_member and around[-2].type in _DECLARED and around[-2].child_by_field_name("type") is None


def _is_method(path: _Path) -> bool:
    """Return whether the name is that of a function in an implementation of Rust."""
    if len(path) < 4 or path[-1][1] != "name" or path[-2][0].type not in ("function_item", "const_item"):
        return False
    return path[-3][0].type == "declaration_list" and path[-4][0].type in ("impl_item", "trait_item")


def _class_of(tree: Tree, owner: str, path: _Path, rules: NameRules) -> str:
    if owner in _THIS:
        return _class_around(tree, path, rules)
    for node, _ in path:
        receiver = node.child_by_field_name("receiver") if node.type == "method_declaration" else None
        words = _WORD.findall(tree.text(receiver)) if receiver is not None else []
        if len(words) > 1 and words[0] == owner:
            return str(words[1])
    return owner if owner[:1].isupper() and owner.isidentifier() else ""


def class_of_property(document: Document, place: Occurrence) -> str:
    """Return the class of which a parameter is a field too, "" for none: `constructor(private http: Http)`."""
    tree = tree_of(document) if document.language in SCRIPTS else None
    path = tree.path(place.start, place.end) if tree is not None else []
    if tree is None or len(path) < 3 or path[-2][0].type not in _PARAMETERS:
        return ""
    is_field = any(child.type in _FIELD_MARKS for child in path[-2][0].children)
    return _class_around(tree, path[:-2], NAME_RULES[document.language]) if is_field else ""


# Functions of scripts that are called with an object of their own.
_OWN_THIS = frozenset(
    {"function_expression", "function_declaration", "generator_function", "generator_function_declaration"}
)


def _class_around(tree: Tree, path: _Path, rules: NameRules) -> str:
    for (around, _), (node, _) in zip(reversed(path[:-2]), reversed(path[:-1]), strict=False):
        if node.type in _OWN_THIS or (node.type == "method_definition" and around.type == "object"):
            return ""  # its `this` is another object
        if node.type == "method_declaration" and (receiver := node.child_by_field_name("receiver")) is not None:
            words = _WORD.findall(tree.text(receiver))
            return str(words[1]) if len(words) > 1 else ""
        if node.type in rules.classes:
            named = node.child_by_field_name(rules.classes[node.type])
            word = _WORD.search(tree.text(named)) if named is not None else None
            return word[0] if word else f"class at {node.start_byte}"
    return ""


def _binding_node(path: _Path, rules: NameRules) -> Node | None:
    """Return the node that binds the name; None for a name that is used."""
    index = len(path) - 1
    while index > 1:
        parent, field = path[index - 1][0], path[index][1]
        if (parent.type, field) in rules.bindings:
            return parent if _declares(parent) else None
        if parent.type not in rules.patterns or field in _NOT_BOUND:
            return None
        index -= 1
    return None


def _declares(node: Node) -> bool:
    """Return whether the node makes a new name: `for i := range` and `for (const i of` do, those without them not."""
    if node.type in ("range_clause", "receive_statement"):
        return any(child.type == ":=" for child in node.children)
    return node.type != "for_in_statement" or node.child_by_field_name("kind") is not None


def _declares_var(path: _Path) -> bool:
    return any(node.type == "variable_declaration" for node, _ in path[-6:])


def _hoisted(scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    """Return the scopes from that of the function on, in which JavaScript's `var` binds."""
    index = next((index for index, scope in enumerate(scopes) if _FUNCTIONS.match(scope.kind)), 0)
    return scopes[max(0, index - 1 if scopes[index].kind != "program" else index) :]


def _known_from(tree: Tree, path: _Path, rules: NameRules) -> int:
    """Return the offset from which on a binding is known; 0 where its whole scope knows it."""
    inner = next((index for index in range(len(path) - 1, 0, -1) if path[index][0].type in rules.scopes), 0)
    statements = [node for node, _ in path[max(inner, 1) :] if node.type in rules.statements]
    return tree.end(statements[-1]) if statements and inner else 0
