"""The node types of functions and classes in all grammars, and the statements of a body."""

from tree_sitter import Node

FUNCTIONS = frozenset(
    """
    function_definition function_declaration generator_function_declaration method_definition arrow_function
    function_expression generator_function method_declaration constructor_declaration func_literal function_item
    """.split()  # noqa: SIM905 a list of these is a page long
)
CLASSES = frozenset(
    """
    class_definition class_declaration interface_declaration enum_declaration record_declaration class_specifier
    struct_specifier struct_item enum_item trait_item type_declaration
    """.split()  # noqa: SIM905 a list of these is a page long
)


def statements_of(body: Node) -> list[Node]:
    """Return the statements of a body, without its comments."""
    inner = [child for child in body.named_children if child.type == "statement_list"]
    nodes = inner[0].named_children if inner else body.named_children
    return [node for node in nodes if not is_comment(node)]


def is_comment(node: Node) -> bool:
    """Return whether a node is a comment, in any of the grammars."""
    return "comment" in node.type


def is_docstring(node: Node) -> bool:
    """Return whether a statement of Python is a string alone."""
    return node.type == "expression_statement" and [child.type for child in node.named_children] == ["string"]
