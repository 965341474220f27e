"""The functions of a file with their parameters, and the arguments of a call."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from context.next_edit.names.occurrences import SELF
from context.syntax.tree import Tree

FUNCTIONS = frozenset(
    {"function_definition", "function_declaration", "generator_function_declaration", "method_definition"}
    | {"method_declaration", "function_item", "constructor_declaration", "variable_declarator", "function_signature"}
)
CONSTRUCTORS = frozenset({"__init__", "constructor"})
CALLS = {
    "call": ("function", "arguments"),
    "call_expression": ("function", "arguments"),
    "new_expression": ("constructor", "arguments"),
    "method_invocation": ("name", "arguments"),
    "object_creation_expression": ("type", "arguments"),
}
NAMED_SPREAD = "**"
_CLASSES = ("class_definition", "class_declaration", "abstract_class_declaration")
_NAME = re.compile(r"[^\W\d]\w*")
_UNNAMED = ("comment", "self_parameter")
_GATHERING = ("variadic_parameter_declaration", "spread_parameter")
_MARKS = frozenset({"*", "/"})


@dataclass(frozen=True)
class Parameter:
    """A parameter. `is_by_name`: it can be given by its name alone.

    `gathers`: it takes any number of arguments; `gathers_named`: it takes those of other names, as Python's `**rest`.
    """

    name: str
    has_default: bool
    is_by_name: bool
    gathers: bool
    gathers_named: bool = False


@dataclass(frozen=True)
class Function:
    """A function. `name_start` is the offset of the name by which it is called, which for a constructor is its class's.

    `container` is the class around it, "" for none.
    """

    name: str
    name_start: int
    container: str
    is_constructor: bool
    parameters: tuple[Parameter, ...]
    own_name: str
    start: int  # the offsets of the parameters, with their brackets
    end: int
    is_record: bool = False  # its parameters are the fields of a record
    is_of_instance: bool = False  # a call through its class gives the instance before the parameters

    @property
    def key(self) -> tuple[str, str, bool, bool]:
        return self.container, self.name, self.is_constructor, self.is_record


def functions_in(tree: Tree, first_line: int, last_line: int) -> Iterator[Function]:
    """Yield the functions whose header touches these lines."""
    pending: list[tuple[Node, str, int]] = [(tree.root, "", -1)]
    while pending:
        node, container, place = pending.pop()
        if node.type in _CLASSES and (named := node.child_by_field_name("name")) is not None:
            container, place = tree.text(named), tree.start(named)
        if node.type in FUNCTIONS:
            function = _function(tree, node, container, place)
            listed = _listed(node)
            if function is not None and listed is not None and listed.end_point[0] >= first_line:
                yield function
        inner = [*tree.children_on(node, first_line, last_line)]
        pending += [(child, container, place) for child in reversed(inner)]


def _listed(node: Node) -> Node | None:
    """Return the parameters of a function's node."""
    if node.type == "variable_declarator":
        value = node.child_by_field_name("value")
        is_function = value is not None and value.type in ("arrow_function", "function_expression")
        return value.child_by_field_name("parameters") if value is not None and is_function else None
    declarator = node.child_by_field_name("declarator")  # in C
    return (declarator or node).child_by_field_name("parameters")


def _function(tree: Tree, node: Node, container: str, place: int) -> Function | None:
    listed = _listed(node)
    named = node.child_by_field_name("name") or (node.child_by_field_name("declarator") or node).child_by_field_name(
        "declarator"
    )
    if listed is None or named is None:
        return None
    name, start = tree.text(named), tree.start(named)
    receiver = node.child_by_field_name("receiver")
    if receiver is not None:
        words = _NAME.findall(tree.text(receiver))
        container = words[-1] if words else ""
    is_constructor = (name in CONSTRUCTORS and bool(container)) or node.type == "constructor_declaration"
    parameters = list(_parameters(tree, listed))
    is_of_instance = any(child.type == "self_parameter" for child in listed.named_children)
    if parameters and container and parameters[0].name in SELF:
        is_of_instance = parameters.pop(0).name == "self"
    own = name
    if is_constructor and place >= 0:
        name, start = container, place
    around = tree.start(listed), tree.end(listed)
    return Function(
        name, start, container, is_constructor, tuple(parameters), own, *around, is_of_instance=is_of_instance
    )


def _parameters(tree: Tree, listed: Node) -> Iterator[Parameter]:
    is_by_name = False
    for node in listed.named_children:
        text = tree.text(node)
        if node.type in _UNNAMED:
            continue
        if node.type == "keyword_separator" or text == "*":
            is_by_name = True
            continue
        if node.type == "positional_separator" or text in _MARKS:
            continue
        names = [child for child in node.children_by_field_name("name") if "identifier" in child.type]
        gathers_named = text.startswith("**")
        gathers = node.type in _GATHERING or (not gathers_named and text.startswith(("*", "...")))
        has_default = "=" in text or node.type == "optional_parameter"
        if len(names) < 2:
            pattern = node.child_by_field_name("pattern") or node.child_by_field_name("declarator")
            named = _NAME.search(tree.text(names[0] if names else pattern if pattern is not None else node))
            yield Parameter(named[0] if named else text, has_default, is_by_name, gathers, gathers_named)
        else:
            yield from (Parameter(tree.text(name), has_default, is_by_name, gathers) for name in names)
        is_by_name = is_by_name or text.startswith("*")


@dataclass(frozen=True)
class Argument:
    """An argument of a call, by its offsets. `keyword` is the name that it is given by, "" for none.

    Python's `**values` has the keyword `**`.
    """

    start: int
    end: int
    keyword: str
    text: str


@dataclass(frozen=True)
class Call:
    """The arguments of a call, between the offsets of its brackets.

    `spreads`: one stands for any number of those without a name.
    """

    start: int
    end: int
    arguments: tuple[Argument, ...]
    spreads: bool
    comments: tuple[int, ...] = ()  # the offsets of the comments among them


def call_at(tree: Tree, start: int, end: int) -> Call | None:
    """Return the call of the name at these offsets; None where it is not called."""
    path = tree.path(start, end)
    for index in range(len(path) - 1, max(0, len(path) - 4), -1):
        node, field = path[index - 1][0], path[index][1]
        if node.type in CALLS and field == CALLS[node.type][0] and tree.end(path[index][0]) == end:
            listed = node.child_by_field_name(CALLS[node.type][1])
            return _call(tree, listed) if listed is not None and listed.type != "generator_expression" else None
        if tree.end(path[index - 1][0]) != end:
            return None
    return None


def call_around(tree: Tree, start: int, end: int) -> Call | None:
    """Return the call that the text between these offsets is an argument of by its name; None where it is none."""
    path = tree.path(start, end)
    is_argument = len(path) > 3 and path[-2][0].type == "keyword_argument" and path[-4][0].type == "call"
    return _call(tree, path[-3][0]) if is_argument else None


def _call(tree: Tree, listed: Node) -> Call | None:
    if not tree.text(listed).endswith(")") or listed.has_error:
        return None
    arguments: list[Argument] = []
    spreads = False
    for node in listed.named_children:
        if "comment" in node.type:
            continue
        named = node.child_by_field_name("name") if node.type == "keyword_argument" else None
        keyword = tree.text(named) if named is not None else NAMED_SPREAD if node.type == "dictionary_splat" else ""
        spreads = spreads or node.type in ("list_splat", "spread_element", "variadic_argument")
        arguments.append(Argument(tree.start(node), tree.end(node), keyword, tree.text(node)))
    comments = tuple(tree.start(node) for node in listed.named_children if "comment" in node.type)
    return Call(tree.start(listed), tree.end(listed), tuple(arguments), spreads, comments)
