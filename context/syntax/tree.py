"""The syntax tree of a text, with places as offsets in code points."""

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node, Parser

from context.documents.document import Document
from context.documents.document_cache import DocumentCache
from context.syntax.grammars import grammar

_MAX_CHARACTERS = 400_000
_MAX_LINE_CHARACTERS = 10_000


@dataclass(frozen=True)
class Tree:
    """The syntax tree of one state of a document. Tree-sitter counts bytes; `start`, `end` and `text` do not."""

    root: Node
    _document: Document

    def start(self, node: Node) -> int:
        return self._offset(node.start_point)

    def end(self, node: Node) -> int:
        return self._offset(node.end_point)

    def text(self, node: Node) -> str:
        return self._document.text[self.start(node) : self.end(node)]

    def at(self, start: int, end: int) -> Node:
        """Return the smallest node that holds these places."""
        first, last = (self._point(offset) for offset in (start, end))
        return self.root.descendant_for_point_range(first, last) or self.root

    def nodes(self) -> Iterator[Node]:
        """Yield every node, a parent before its children, in the order of the text."""
        cursor = self.root.walk()
        is_over = False
        while not is_over:
            if cursor.node is not None:
                yield cursor.node
            if cursor.goto_first_child():
                continue
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    is_over = True
                    break

    def around(self, first_line: int, last_line: int) -> list[Node]:
        """Return the nodes that touch all of these lines, the innermost first; of those side by side the largest."""
        found = [self.root]
        while inner := [child for child in found[-1].children if _touches(child, first_line, last_line)]:
            found.append(max(inner, key=_size))
        return found[::-1]

    def count_errors(self) -> int:
        """Count the places that do not parse."""
        return sum(node.is_error or node.is_missing for node in self.nodes()) if self.root.has_error else 0

    def _offset(self, point: tuple[int, int]) -> int:
        line, column_bytes = point
        before = self._document.lines[line].encode("utf-8", "replace")[:column_bytes]
        return self._document.line_starts[line] + len(before.decode("utf-8", "replace"))

    def _point(self, offset: int) -> tuple[int, int]:
        line, column = self._document.position_at(offset)
        return line, len(self._document.lines[line][:column].encode("utf-8", "replace"))


def last_line(node: Node) -> int:
    """Return the last line that holds something of the node. Some nodes hold the end of their line."""
    return node.end_point[0] - (node.end_point[1] == 0)


@DocumentCache
def tree_of(document: Document) -> Tree | None:
    """Parse a document; None for a language without a grammar, and for data, which would take too long to parse."""
    found = grammar(document.language)
    if found is None or len(document.text) > _MAX_CHARACTERS:
        return None
    # A file with CR alone would be one line to tree-sitter, and the places would disagree.
    if "\r" in document.text.replace("\r\n", "\n") or max(map(len, document.lines)) > _MAX_LINE_CHARACTERS:
        return None
    data = document.text.encode("utf-8", "replace")
    return Tree(Parser(found[0]).parse(data).root_node, document)


def leaf_before(document: Document, offset: int) -> Node | None:
    """Return the smallest node that holds the character before the offset; None without a tree."""
    tree = tree_of(document) if offset else None
    return tree.at(offset - 1, offset) if tree is not None else None


def is_within(node: Node | None, *kinds: str) -> bool:
    """Return whether the node or one around it has one of these words in the name of its type."""
    while node is not None:
        if any(kind in node.type for kind in kinds):
            return True
        node = node.parent
    return False


def breaks_syntax(before: Document, after: Document) -> bool:
    """Return whether the later text has more errors than the earlier one; False for a language without a grammar."""
    tree, changed = tree_of(before), tree_of(after)
    return tree is not None and changed is not None and changed.count_errors() > tree.count_errors()


def _touches(node: Node, first_line: int, last_line: int) -> bool:
    return node.start_point[0] <= first_line and last_line <= node.end_point[0]


def _size(node: Node) -> tuple[int, int]:
    return node.end_point[0] - node.start_point[0], node.end_byte - node.start_byte
