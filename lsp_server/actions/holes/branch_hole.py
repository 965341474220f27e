"""Write the missing branch: the model writes the else of an if, the except of a try, or the next case."""

from dataclasses import replace

from tree_sitter import Node

from context.documents.document import Document
from context.documents.indentation import columns, indentation_of, unit_of
from context.syntax.definitions import is_comment, statements_of
from context.syntax.tree import Tree, tree_of
from lsp_server.actions.holes.action_hole import ActionHole, at_dedent

_IFS = ("if_statement", "if_expression")
_SWITCHES = frozenset({"switch_statement", "switch_expression", "expression_switch_statement", "type_switch_statement"})
_ARROW_CASE = "switch_rule"  # of Java; a switch with such cases takes no other
# After these a case runs on into the next one. Behind a block a break may be out of reach, which Java refuses.
_SIMPLE_STATEMENTS = frozenset(
    {"expression_statement", "declaration", "local_variable_declaration", "lexical_declaration"}
)
_HANDLERS = frozenset({"except_clause", "except_group_clause", "finally_clause", "catch_clause"})


def find_branch_hole(document: Document, line: int) -> ActionHole | None:
    """Return a hole for the innermost statement around the line, or directly above it, that lacks a branch."""
    tree, anchor = tree_of(document), document.written_line(line)
    if tree is None or anchor is None:
        return None
    holes = (_missing(document, tree, node) for node in tree.around(anchor, anchor))
    return next((hole for hole in holes if hole is not None), None)


def _missing(document: Document, tree: Tree, node: Node) -> ActionHole | None:
    if node.end_point[0] == node.start_point[0]:
        return None  # a statement on one line is complete
    indent = indentation_of(document.lines[node.start_point[0]])
    if document.language == "python":
        return _missing_in_python(document, tree, node, indent)
    if node.type in _IFS and not node.child_by_field_name("alternative"):
        block = node.child_by_field_name("consequence")
        is_chained = node.parent is not None and node.parent.type in ("else_clause", *_IFS)
        if block is not None and not is_chained and tree.text(block).endswith("}"):
            return _braced(document, tree.end(block), indent, "else", " else {\n" + indent + unit_of(document.lines))
    if node.type == "try_statement" and not any(child.type in _HANDLERS for child in node.children):
        block = node.child_by_field_name("body")
        if block is not None and tree.text(block).endswith("}"):
            hole = _braced(document, tree.end(block), indent, "catch", " catch (")
            return replace(hole, body_indent=indent + unit_of(document.lines))
    return _missing_default(document, tree, node) if node.type in _SWITCHES else None


def _braced(document: Document, place: int, indent: str, name: str, before: str) -> ActionHole:
    return ActionHole(_title(name), place, place, before, f"\n{indent}}}", at_dedent(columns(indent) + 1))


def _missing_default(document: Document, tree: Tree, node: Node) -> ActionHole | None:
    body = node.child_by_field_name("body") or node
    closer = body.children[-1]
    below = (child for child in body.named_children if child.start_point[0] > node.start_point[0])
    cases = [child for child in below if not is_comment(child)]
    is_there = any(tree.text(case).lstrip().startswith("default") for case in cases)
    if not cases or is_there or closer.type != "}" or cases[-1].type == _ARROW_CASE:
        return None
    indent = indentation_of(document.lines[cases[-1].start_point[0]])
    place = tree.start(closer)
    place -= len(document.text[:place]) - len(document.text[:place].rstrip())
    deeper = indent + unit_of(document.lines)
    statements = [child for child in cases[-1].named_children if not is_comment(child)]
    runs_on = document.language != "go" and statements and statements[-1].type in _SIMPLE_STATEMENTS
    before = f"\n{deeper}break;" if runs_on else ""  # or the last case would run the default too
    before += f"\n{indent}default:\n{deeper}"
    return ActionHole(_title("default"), place, place, before, "", at_dedent(columns(indent) + 1))


def _missing_in_python(document: Document, tree: Tree, node: Node, indent: str) -> ActionHole | None:
    deeper = indent + unit_of(document.lines)
    kinds = {child.type for child in node.children}
    place = document.line_end(node.end_point[0])
    if node.type == "if_statement" and "else_clause" not in kinds:
        return ActionHole(_title("else"), place, place, f"\n{indent}else:\n{deeper}", "", at_dedent(columns(deeper)))
    if node.type == "try_statement" and not kinds & _HANDLERS:
        hole = ActionHole(_title("except"), place, place, f"\n{indent}except ", "", at_dedent(columns(indent) + 1))
        return replace(hole, body_indent=deeper)
    if node.type == "match_statement" and (body := node.child_by_field_name("body")) and (cases := statements_of(body)):
        if _takes_all(tree, cases[-1]):
            return None  # Python refuses a case below it
        inner = indentation_of(document.lines[cases[-1].start_point[0]])
        hole = ActionHole(_title("case"), place, place, f"\n{inner}case ", "", at_dedent(columns(inner) + 1))
        return replace(hole, body_indent=inner + unit_of(document.lines))
    return None


def _takes_all(tree: Tree, case: Node) -> bool:
    """Return whether a case of Python is `_` or a bare name, without a guard."""
    patterns = [tree.text(child) for child in case.named_children if child.type == "case_pattern"]
    return len(patterns) == 1 and patterns[0].isidentifier() and case.child_by_field_name("guard") is None


def _title(name: str) -> str:
    return f"Write the missing {name}"
