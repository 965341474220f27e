"""Write the docstring: the model writes between its quotes, and sees the body below."""

from tree_sitter import Node

from context.documents.document import Document
from context.documents.indentation import indentation_of, unit_of
from context.syntax.definitions import CLASSES, FUNCTIONS, is_comment, is_docstring, statements_of
from context.syntax.tree import Tree, tree_of
from lsp_server.actions.holes.action_hole import ActionHole, at_end_of_comment, at_mark

_TITLE = "Write the docstring"
_MAX_TOKENS = 256
_QUOTES = '"""'
_ANONYMOUS = frozenset({"arrow_function", "function_expression", "generator_function", "func_literal"})
_DOCUMENTED = (FUNCTIONS | CLASSES) - _ANONYMOUS
_WRAPPERS = ("decorated_definition", "export_statement", "template_declaration")
_LINE_MARKERS = {"go": "//", "rust": "///"}


def find_docstring_hole(document: Document, line: int) -> ActionHole | None:
    """Return a hole for the docstring of the innermost definition around the line, if it has no docstring."""
    tree, anchor = tree_of(document), document.written_line(line)
    if tree is None or anchor is None:
        return None
    node = next((node for node in tree.around(anchor, anchor) if node.type in _DOCUMENTED), None)
    if node is None:
        return None
    if document.language == "python":
        return _in_quotes(document, node)
    return _above(document, tree, node)


def _in_quotes(document: Document, node: Node) -> ActionHole | None:
    body = node.child_by_field_name("body")
    colon = next((child for child in node.children if child.type == ":"), None)
    if body is None or colon is None:
        return None
    statements = statements_of(body)
    if statements and (is_docstring(statements[0]) or statements[0].start_point[0] == colon.start_point[0]):
        return None
    indent = indentation_of(document.lines[node.start_point[0]]) + unit_of(document.lines)
    if statements:
        indent = indentation_of(document.lines[statements[0].start_point[0]])
    start = document.line_end(colon.start_point[0])
    after_lines = f"\n{indent}{_QUOTES}"
    return ActionHole(_TITLE, start, start, f"\n{indent}{_QUOTES}", _QUOTES, at_mark(_QUOTES), _MAX_TOKENS, after_lines)


def _above(document: Document, tree: Tree, node: Node) -> ActionHole | None:
    while (parent := node.parent) is not None and parent.type in _WRAPPERS:
        node = parent
    while (attribute := node.prev_named_sibling) is not None and attribute.type == "attribute_item":
        node = attribute
    previous = node.prev_named_sibling
    if previous is not None and is_comment(previous) and previous.end_point[0] >= node.start_point[0] - 1:
        return None
    start, indent = tree.start(node), indentation_of(document.lines[node.start_point[0]])
    if document.text[:start].rpartition("\n")[2].strip():
        return None  # other code precedes the definition on its line
    if marker := _LINE_MARKERS.get(document.language):
        find_end = at_end_of_comment(marker)
        return ActionHole(_TITLE, start, start, f"{marker} ", f"\n{indent}", find_end, _MAX_TOKENS)
    return ActionHole(_TITLE, start, start, f"/**\n{indent} * ", f"\n{indent} */\n{indent}", at_mark("*/"), _MAX_TOKENS)
