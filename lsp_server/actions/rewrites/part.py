"""Which lines an action is about when they are not selected, or not to the line."""

from context.documents.document import Document
from context.syntax.definitions import CLASSES, FUNCTIONS
from context.syntax.tree import Tree, last_line, tree_of

# More than this of a file is not written anew for one remark on it.
_MOST_LINES = 80


def definition_around(document: Document, line: int) -> tuple[int, int] | None:
    """The first and the last line of the innermost function or class around a line, or that a blank line follows."""
    tree, anchor = tree_of(document), document.written_line(line)
    if tree is None or anchor is None:
        return None
    return next(
        (
            (node.start_point[0], last_line(node))
            for node in tree.around(anchor, anchor)
            if node.type in FUNCTIONS | CLASSES
        ),
        None,
    )


def part_around(document: Document, first: int, last: int) -> tuple[int, int]:
    """The definition around these lines if it is short, else the statement, else the paragraph: first and last line."""
    tree = tree_of(document)
    definition = definition_around(document, first)
    if definition is not None and definition[0] <= first and last <= definition[1] < definition[0] + _MOST_LINES:
        return definition
    if tree is not None and (statement := _statement_around(tree, first, last)):
        return statement
    return _paragraph_around(document, first, last)


def lines_of_range(document: Document, start: int, end: int) -> tuple[int, int]:
    """The first and the last line of a range. One that ends at the start of a line does not touch it."""
    first, _ = document.position_at(start)
    last, column = document.position_at(end)
    return first, last - (column == 0 and last > first)


def trimmed(document: Document, first: int, last: int) -> tuple[int, int]:
    """The same lines without the blank ones at both ends; as they are when all are blank."""
    written = [line for line in range(first, last + 1) if document.lines[line].strip()]
    return (written[0], written[-1]) if written else (first, last)


def _statement_around(tree: Tree, first: int, last: int) -> tuple[int, int] | None:
    for node in tree.around(first, last):
        begin, end = node.start_point[0], last_line(node)
        if begin <= first and last <= end and end - begin < _MOST_LINES and node.is_named:
            # A name within a line is less than what the line says.
            parent = node.parent
            if parent is None or (parent.start_point[0], parent.end_point[0]) != (begin, node.end_point[0]):
                return begin, end
    return None


def _paragraph_around(document: Document, first: int, last: int) -> tuple[int, int]:
    """Up to the blank lines around."""
    while first > 0 and document.lines[first - 1].strip() and last - first < _MOST_LINES:
        first -= 1
    end = len(document.lines) - 1
    while last < end and document.lines[last + 1].strip() and last - first < _MOST_LINES:
        last += 1
    return first, last
