"""The syntax tree of a text, with places as offsets in code points."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic

from tree_sitter import Node

from context.documents.document import Document
from context.documents.document_cache import DocumentCache
from context.documents.work_limit import WorkLimit, WorkLimitError
from context.syntax.bounded_parse import parse_within
from context.syntax.grammars import grammar

_MAX_CHARACTERS = 400_000
_MAX_LINE_CHARACTERS = 10_000
# All editors may wait for the syntax of one keystroke, so a text that takes longer has none for a while.
_PARSE_SECONDS = 0.1
_GIVE_UP_SECONDS = 60.0
_MAX_GIVEN_UP = 256
_MAX_DEPTH = 1000  # of a place in the tree; no person nests so deeply
# When to try again what took too long: an open document, whatever is typed into it, or the text of a file.
_given_up: dict[tuple[int, int], float] = {}


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

    def path(self, start: int, end: int) -> list[tuple[Node, str]]:
        """Return the nodes from the root down to the smallest one that holds these places.

        Each has beside it the field that it is in, "" for none.
        """
        first, last = (self._point(offset) for offset in (start, end))
        cursor, found = self.root.walk(), [(self.root, "")]
        while cursor.goto_first_child_for_point(first) is not None:
            node = cursor.node
            if node is None or node.start_point > first or node.end_point < last:
                break
            found.append((node, cursor.field_name or ""))
        return found

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

    @staticmethod
    def children_on(node: Node, first_line: int, last_line: int) -> Iterator[Node]:
        """Yield the named children of a node that hold something of these lines, without a look at all the others."""
        cursor = node.walk()
        is_left = cursor.goto_first_child_for_point((first_line, 0)) is not None
        while is_left and (child := cursor.node) is not None and child.start_point[0] <= last_line:
            if child.is_named:
                yield child
            is_left = cursor.goto_next_sibling()

    def around(self, first_line: int, last_line: int) -> list[Node]:
        """Return the nodes that touch all of these lines, the innermost first; of those side by side the largest."""
        found = [self.root]
        while inner := [child for child in found[-1].children if _touches(child, first_line, last_line)]:
            found.append(max(inner, key=_size))
        return found[::-1]

    def path_to(self, node: Node) -> list[Node] | None:
        """Return the nodes around a node and the node itself, the outermost first; None where it lies too deep."""
        path = [self.root]
        for _ in range(_MAX_DEPTH):  # down from the root: tree-sitter looks for each parent from there
            if path[-1] == node:
                return path
            if (below := path[-1].child_with_descendant(node)) is None:
                return None
            path.append(below)
        return None

    def count_errors(self) -> int:
        """Count the places that do not parse. So is a Python block without statements, which the grammar has."""
        is_python = self._document.language == "python"
        if not self.root.has_error and not is_python:
            return 0
        return sum(node.is_error or node.is_missing or (is_python and _is_empty_block(node)) for node in self.nodes())

    def _offset(self, point: tuple[int, int]) -> int:
        line, column_bytes = point
        before = self._document.lines[line].encode("utf-8", "replace")[:column_bytes]
        return self._document.line_starts[line] + len(before.decode("utf-8", "replace"))

    def _point(self, offset: int) -> tuple[int, int]:
        line, column = self._document.position_at(offset)
        return line, len(self._document.lines[line][:column].encode("utf-8", "replace"))


def _is_empty_block(node: Node) -> bool:
    return node.type == "block" and all(child.type == "comment" for child in node.children)


def last_line(node: Node) -> int:
    """Return the last line that holds something of the node. Some nodes hold the end of their line."""
    return node.end_point[0] - (node.end_point[1] == 0)


@dataclass(frozen=True)
class Leaf:
    """The smallest node at a place. `types` are those of the node and of all nodes around it."""

    node: Node
    types: frozenset[str]

    def is_within(self, *words: str) -> bool:
        """Return whether the node or one around it has one of these words in the name of its type."""
        return any(word in name for name in self.types for word in words)


@DocumentCache
def tree_of(document: Document) -> Tree | None:
    """Parse a document; None for a language without a grammar, and for data, which would take too long to parse."""
    found = grammar(document.language)
    tried = document.opening, 0 if document.opening else hash((document.language, document.text))
    if found is None or len(document.text) > _MAX_CHARACTERS or _given_up.get(tried, 0.0) > monotonic():
        return None
    # A file with CR alone would be one line to tree-sitter, and the places would disagree.
    if "\r" in document.text.replace("\r\n", "\n") or max(map(len, document.lines)) > _MAX_LINE_CHARACTERS:
        return None
    data = document.text.encode("utf-8", "replace")
    try:
        return Tree(parse_within(found, data, WorkLimit(_PARSE_SECONDS)), document)
    except WorkLimitError:
        if len(_given_up) >= _MAX_GIVEN_UP:
            _given_up.clear()
        _given_up[tried] = monotonic() + _GIVE_UP_SECONDS
        return None


def leaf_before(document: Document, offset: int) -> Leaf | None:
    """Return the smallest node that holds the character before the offset; None without a tree."""
    tree = tree_of(document) if offset else None
    if tree is None:
        return None
    leaf = tree.at(offset - 1, offset)
    path = tree.path_to(leaf)
    return None if path is None else Leaf(leaf, frozenset(node.type for node in path))


def breaks_syntax(before: Document, after: Document) -> bool:
    """Return whether the later text has more errors than the earlier one; False for a language without a grammar."""
    tree, changed = tree_of(before), tree_of(after)
    return tree is not None and changed is not None and changed.count_errors() > tree.count_errors()


def _touches(node: Node, first_line: int, last_line: int) -> bool:
    return node.start_point[0] <= first_line and last_line <= node.end_point[0]


def _size(node: Node) -> tuple[int, int]:
    return node.end_point[0] - node.start_point[0], node.end_byte - node.start_byte
