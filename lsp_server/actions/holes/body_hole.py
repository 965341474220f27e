"""Fill this body: the model writes the body of a function that is empty or a stub."""

import re

from tree_sitter import Node

from context.documents.document import Document
from context.documents.indentation import columns, indentation_of, unit_of
from context.syntax.definitions import FUNCTIONS, is_docstring, statements_of
from context.syntax.tree import Tree, tree_of
from lsp_server.actions.holes.action_hole import ActionHole, at_dedent

# Statements that people write as a placeholder for a body.
_STUB = re.compile(
    r"""pass | \.\.\. | raise\ NotImplementedError(?:\(.*\))? | return
    | (?:todo|unimplemented)!\(.*\) | panic\(.*\) | throw\ new\ \w*(?:Error|Exception)\(.*\)""",
    re.VERBOSE | re.DOTALL,
)
_TITLE = "Fill this body"


def find_body_hole(document: Document, line: int) -> ActionHole | None:
    """Return a hole for the body of the innermost function around a line; of a blank line, around the text above it."""
    tree, anchor = tree_of(document), document.written_line(line)
    if tree is None or anchor is None:
        return None
    function = next((node for node in tree.around(anchor, anchor) if node.type in FUNCTIONS), None)
    body = function.child_by_field_name("body") if function is not None else None
    if function is None or body is None:
        return None
    indent = indentation_of(document.lines[function.start_point[0]]) + unit_of(document.lines)
    if body.children and body.children[0].type == "{":
        return _in_braces(document, tree, body, indent)
    if document.language == "python":
        return _after_colon(document, tree, function, indent, line)
    return None


def _is_stub(tree: Tree, node: Node) -> bool:
    return _STUB.fullmatch(tree.text(node).rstrip(";").strip()) is not None


def _in_braces(document: Document, tree: Tree, body: Node, indent: str) -> ActionHole | None:
    find_end = at_dedent(columns(indent))
    if statements := statements_of(body):
        if len(statements) != 1 or not _is_stub(tree, statements[0]):
            return None
        start, end = tree.start(statements[0]), tree.end(statements[0])
        end += document.text[end : end + 1] == ";"
        if document.text[:start].rpartition("\n")[2].strip():
            return None  # all on one line
        return ActionHole(_TITLE, start, end, "", "", find_end)
    closer = body.children[-1]
    if closer.type != "}":
        return None
    last = body.children[-2]
    # Not that of the brace's line, which may be the last of aligned parameters.
    outer = indentation_of(document.lines[(body.parent or body).start_point[0]])
    return ActionHole(_TITLE, tree.end(last), tree.start(closer), f"\n{indent}", f"\n{outer}", find_end)


def _after_colon(document: Document, tree: Tree, function: Node, indent: str, line: int) -> ActionHole | None:
    body = function.child_by_field_name("body")
    colon = next((child for child in function.children if child.type == ":"), None)
    if body is None or colon is None:
        return None
    find_end = at_dedent(columns(indent))
    statements = statements_of(body)
    doc = statements.pop(0) if statements and is_docstring(statements[0]) else None
    if statements:
        if len(statements) != 1 or not _is_stub(tree, statements[0]):
            return None
        start, end = tree.start(statements[0]), tree.end(statements[0])
        if statements[0].start_point[0] == colon.start_point[0]:
            return ActionHole(_TITLE, tree.end(colon), end, f"\n{indent}", "", find_end)
        rest = document.text[end : document.line_end(statements[0].end_point[0])]
        comment = f"{rest.strip()}\n{indent}" if rest.strip() else ""  # the comment stays, above the body
        return ActionHole(_TITLE, start, end + len(rest), comment, "", find_end)
    if doc is not None and doc.start_point[0] == colon.start_point[0]:
        end = tree.end(doc)
        if document.text[end : document.line_end(doc.end_point[0])].strip():
            return None  # all on one line
        before = f"\n{indent}{tree.text(doc)}\n{indent}"
        return ActionHole(_TITLE, tree.end(colon), end, before, "", find_end)
    last = _last_comment_line(document, (doc or colon).end_point[0], columns(indent))
    if columns(document.written_below(last)) >= columns(indent):
        return None  # the body has lines that do not parse
    start = end = document.line_end(last)
    # A blank line under the cursor is replaced, so that no blank line is left below the body.
    if line > last and not "".join(document.lines[last + 1 : line + 1]).strip():
        end = document.line_end(line)
    return ActionHole(_TITLE, start, end, f"\n{indent}", "", find_end)


def _last_comment_line(document: Document, line: int, least_columns: int) -> int:
    """Return the last comment line directly below a line in its block, or the line itself."""
    last = line
    for number in range(line + 1, len(document.lines)):
        text = document.lines[number]
        if text.strip() and not (text.lstrip().startswith("#") and columns(text) >= least_columns):
            break
        if text.strip():
            last = number
    return last
