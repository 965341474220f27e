"""The place of a new import: sorted among imports of its kind, or at the top of the file."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tree_sitter import Node

from context.documents.document import Document
from context.imports.standard_library import is_standard
from context.syntax.definitions import is_comment, is_docstring
from context.syntax.imports import find_imports
from context.syntax.tree import Tree, last_line, tree_of

_STATEMENTS = frozenset(
    """
    import_statement import_from_statement future_import_statement use_declaration import_declaration preproc_include
    """.split()  # noqa: SIM905 as in context/syntax/definitions.py
)
_OPENINGS = frozenset(
    """
    package_declaration package_clause preproc_ifndef preproc_def hash_bang_line inner_attribute_item
    """.split()  # noqa: SIM905 as above
)
_FUTURE, _STANDARD, _OTHER, _OWN, _RELATIVE = range(5)
_SORTED_OF_EACH_STEP_DOWN = 3  # imports, of which one may stand out of order

_Key = tuple[str, str]


@dataclass(frozen=True)
class ImportPlace:
    """An offset, and the text that separates a new import there from the lines above and below."""

    offset: int
    before: str
    after: str


def find_import_place(document: Document, statement: str) -> ImportPlace:
    """Find the place for a statement, given without its line end. Without a grammar that is the top of the file."""
    tree = tree_of(document)
    if tree is None:
        return ImportPlace(0, "", "\n")
    written = [(tree.text(node), node) for node in _imports(tree)]
    if not written:
        return _at_the_top(document, tree)
    own = _own_package(document)
    kind = _kind(statement, own)
    same = [(text, node) for text, node in written if _kind(text, own) == kind]
    if same:
        return _among(document, statement, same)
    earlier = [node for text, node in written if _kind(text, own) < kind]
    if earlier:
        return ImportPlace(document.line_end(earlier[-1].end_point[0]), _gap(document), "")
    return ImportPlace(tree.start(written[0][1]), "", _gap(document))


def _imports(tree: Tree) -> list[Node]:
    """Return the imports at the top level, down to the first definition."""
    found = []
    for node in tree.root.named_children:
        if node.type in _STATEMENTS:
            found.append(node)
        elif "definition" in node.type and found:
            break
    return found


def _among(document: Document, statement: str, same: list[tuple[str, Node]]) -> ImportPlace:
    """Return the sorted place among imports of one kind, else the place after the last. Includes are never sorted.

    Python's count as sorted where few of them stand out of order, by form or by module.
    """
    orders = [[key(text) for text, _ in same] for key in _KEYS] if not statement.startswith("#") else []
    key, keys = min(zip(_KEYS, orders, strict=False), key=lambda one: _count_steps_down(one[1]), default=(None, []))
    most_steps_down = len(keys) // _SORTED_OF_EACH_STEP_DOWN if document.language == "python" else 0
    if key is not None and _count_steps_down(keys) <= most_steps_down:
        place = _place_in_order(key(statement), keys)
        if place < len(same):
            return ImportPlace(document.line_starts[same[place][1].start_point[0]], "", "\n")
    last = same[-1][1]
    return ImportPlace(document.line_end(last_line(last)), "\n", "")


def _count_steps_down(keys: Sequence[_Key]) -> int:
    """Return how many imports have a lower key than the one above them."""
    return sum(above > below for above, below in pairwise(keys))


def _place_in_order(key: _Key, keys: Sequence[_Key]) -> int:
    """Return the place with the fewest imports on the wrong side of the new one, the lowest such place."""

    def count_wrong(place: int) -> int:
        return sum(other > key for other in keys[:place]) + sum(other < key for other in keys[place:])

    return min(range(len(keys) + 1), key=lambda place: (count_wrong(place), -place))


def _at_the_top(document: Document, tree: Tree) -> ImportPlace:
    last = None
    for node in tree.root.named_children:
        if not (is_comment(node) or is_docstring(node) or node.type in _OPENINGS):
            break
        last = node
    if last is None:
        return ImportPlace(0, "", "\n\n" if document.text.strip() else "\n")
    return ImportPlace(document.line_end(last_line(last)), "\n\n", "")


def _gap(document: Document) -> str:
    """Return the text between groups of imports: a blank line in Python, none in other languages."""
    return "\n\n" if document.language == "python" else "\n"


def _own_package(document: Document) -> str:
    """Return the name by which imports call the package of this file."""
    folders = [part for part in document.path.split("/")[:-1] if part not in ("src", "lib")]
    return folders[0] if folders else ""


def _kind(statement: str, own: str) -> int:
    found = find_imports("python", statement)
    if not found or not statement.startswith(("from ", "import ")):
        return _OTHER
    module = found[0][0]
    if module == "__future__":
        return _FUTURE
    if module.startswith("."):
        return _RELATIVE
    if own and module.partition(".")[0] == own:
        return _OWN
    return _STANDARD if is_standard(module) else _OTHER


def _by_form(statement: str) -> _Key:
    return str(statement.startswith("from ")), _module(statement)


def _by_module(statement: str) -> _Key:
    return _module(statement), str(statement.startswith("from "))


def _module(statement: str) -> str:
    """Return the sort key of a statement: its module and names, in lower case."""
    return re.sub(r"^(?:from|import|use)\s+", "", statement).lower()


_KEYS = (_by_form, _by_module)
