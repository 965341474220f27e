"""The syntax tree of the document with the text in it: where statements and definitions around the cursor end."""

from itertools import pairwise

from tree_sitter import Node

from context.documents.document import Document
from context.syntax.definitions import FUNCTIONS
from context.syntax.tree import Tree, tree_of
from lsp_server.completion.postprocess.place import Place
from lsp_server.completion.postprocess.statement_end import behind_closers, goes_on_behind

# Nodes that hold statements or members side by side, apart from those in braces.
_HOLDERS = frozenset({"block", "statement_list", "declaration_list", "switch_block_statement_group"})
# Nodes in braces that hold values: what follows a value there is part of the same statement.
_LISTS = frozenset({"initializer_list", "array_initializer", "literal_value", "import_declaration", "use_list"})
_FIRST_CHILDREN = 8  # its brace is among them, and data may have 100,000


def end_of_statement(text: str, closer: int, place: Place) -> int | None:
    """Return the offset in the text behind the statement or member that a closer in the text belongs to.

    It is greater than the text's length where the statement ends in the document; None where it is unsure.
    """
    tree, start = tree_with(text, place), len(place.above)
    if tree is None:
        return None
    token = tree.at(start + closer, start + closer + 1)
    path = tree.path_to(token)
    if token.type != text[closer] or path is None or len(path) < 3:
        return None
    pairs = pairwise(path[:-1])
    outermost = next(((outer, node) for outer, node in pairs if tree.end(node) <= start + len(text)), None)
    if outermost is None or any(node.is_error for node in outermost):
        return None
    around, statement = outermost
    return tree.end(statement) - start if _holds_statements(around) else len(text) + 1


def end_of_function(text: str, place: Place) -> int | None:
    """Return the offset in the text behind the outermost function around the cursor, and behind the closers there.

    None where it is unsure.
    """
    tree, start = tree_with(text, place), len(place.above)
    if tree is None or not text.strip():
        return None
    first = start + len(text) - len(text.lstrip())
    path = tree.path_to(tree.at(first, first + 1)) or []
    depth = next((d for d, node in enumerate(path) if node.type in FUNCTIONS and tree.start(node) < start), None)
    if depth is None:
        return None
    around, statement = next(
        (outer, node) for outer, node in reversed(list(pairwise(path[: depth + 1]))) if _holds_statements(outer)
    )
    end = behind_closers(text, tree.end(statement) - start)
    goes_on = goes_on_behind(text, end) if start < tree.end(statement) <= start + len(text) else None
    return None if goes_on is None or (goes_on and around.is_error) else end


def parses_with(text: str, place: Place) -> bool:
    """Return whether the document with the text in it parses without an error; True without a tree."""
    tree = tree_with(text, place)
    return tree is None or not tree.root.has_error


def tree_with(text: str, place: Place) -> Tree | None:
    """Parse the document with the text in it, within the time that `tree_of` has; None without a tree."""
    return tree_of(Document(place.path, place.above + text + place.below, place.language, 0, opening=place.opening))


def _holds_statements(node: Node) -> bool:
    if node.parent is None or node.is_error or node.type in _HOLDERS:
        return True
    if "case" in node.type or node.type.startswith("preproc"):
        return True
    first = (node.child(number) for number in range(min(node.child_count, _FIRST_CHILDREN)))
    return node.type not in _LISTS and any(child is not None and child.type == "{" for child in first)
