"""Parses a text within a limit of time and of nodes."""

from tree_sitter import Node, Parser, Point

from context.documents.work_limit import WorkLimit, WorkLimitError
from context.syntax.grammars import Grammar

_MAX_NODES = 500_000  # a node for every two bytes of the largest file that is indexed; code has one for every five
_READ_BYTES = 16 * 1024


def parse_within(grammar: Grammar, data: bytes, limit: WorkLimit) -> Node:
    """Return the root of the syntax tree of a text in UTF-8.

    Raises WorkLimitError. Other threads take their turns meanwhile: tree-sitter asks every 100 steps whether to go on.
    """
    view = memoryview(data)

    def read(offset: int, _point: Point) -> memoryview:
        return view[offset : offset + _READ_BYTES]

    try:
        tree = Parser(grammar.tables).parse(read, progress_callback=lambda _offset, _has_error: limit.is_over)
    except ValueError:  # the callback has ended it
        limit.check("parse")
        raise
    if tree.root_node.descendant_count > _MAX_NODES:
        raise WorkLimitError(f"its syntax tree has more than {_MAX_NODES:,} nodes")
    return tree.root_node
