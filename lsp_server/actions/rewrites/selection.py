"""The lines that an action is about, from a selection or a cursor."""

from context.documents.document import Document
from context.syntax.definitions import CLASSES, FUNCTIONS
from context.syntax.tree import Tree, last_line, tree_of

_MOST_LINES = 80  # a longer piece of a file is not rewritten for one instruction


def find_enclosing_definition(document: Document, line: int) -> tuple[int, int] | None:
    """Return the first and last line of the innermost definition around a line, or above a blank line."""
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


def expand_selection(document: Document, first: int, last: int) -> tuple[int, int]:
    """Return the first and last line of the code around: a short definition, else a statement, else a paragraph."""
    tree = tree_of(document)
    definition = find_enclosing_definition(document, first)
    if definition is not None and definition[0] <= first and last <= definition[1] < definition[0] + _MOST_LINES:
        return definition
    if tree is not None and (statement := _statement_around(tree, first, last)):
        return statement
    return _paragraph_around(document, first, last)


def selected_lines(document: Document, start: int, end: int) -> tuple[int, int]:
    """Return the first and last line of a range. A range that ends at the start of a line leaves that line out."""
    first, _ = document.position_at(start)
    last, column = document.position_at(end)
    return first, last - (column == 0 and last > first)


def strip_blank_lines(document: Document, first: int, last: int) -> tuple[int, int]:
    """Leave out the blank lines at both ends, unless all lines are blank."""
    written = [line for line in range(first, last + 1) if document.lines[line].strip()]
    return (written[0], written[-1]) if written else (first, last)


def _statement_around(tree: Tree, first: int, last: int) -> tuple[int, int] | None:
    for node in tree.around(first, last):
        begin, end = node.start_point[0], last_line(node)
        if begin <= first and last <= end and end - begin < _MOST_LINES and node.is_named:
            # A node within a line, such as a name, is less than the statement.
            parent = node.parent
            if parent is None or (parent.start_point[0], parent.end_point[0]) != (begin, node.end_point[0]):
                return begin, end
    return None


def _paragraph_around(document: Document, first: int, last: int) -> tuple[int, int]:
    """Return the lines between the nearest blank lines."""
    while first > 0 and document.lines[first - 1].strip() and last - first < _MOST_LINES:
        first -= 1
    end = len(document.lines) - 1
    while last < end and document.lines[last + 1].strip() and last - first < _MOST_LINES:
        last += 1
    return first, last
