"""The rule of an unused import: the last edits removed the last use of a name that the file imports."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from tree_sitter import Node

from context.documents.document import Document
from context.documents.edits import Edit
from context.documents.snapshot import Snapshot
from context.next_edit.names.resolve_names import find_word
from context.next_edit.proposal import Proposal, Rule
from context.syntax.tree import Tree, tree_of

_CONFIDENCE, _OF_TYPES = 0.45, 0.7  # of many names the import stays though nothing uses it
_MAX_IMPORT_CHARACTERS = 2000
_MAX_NAMES = 20  # of the last edits
_NAME = re.compile(r"(?<![\w.])[^\W\d]\w*")
_KEPT = re.compile(r"noqa|__future__|\bas\b")  # what imports for others, or changes the language
_TYPES = re.compile(r"^from (?:typing|typing_extensions|collections\.abc) |^import type ")
# The statements that import names, and the nodes of the names in them.
_STATEMENTS = {
    "python": ("import_from_statement", "import_statement"),
    "typescript": ("import_statement",),
    "typescriptreact": ("import_statement",),
}
_NAMES = frozenset({"dotted_name", "import_specifier"})
_LISTS = frozenset({"import_clause", "named_imports"})


def find_unused_imports(edits: Sequence[Edit], snapshot: Snapshot) -> list[Proposal]:
    """Return the removal of the imports of which the last edits have removed the last use, the last one's first."""
    document = snapshot.document
    if document.language not in _STATEMENTS or document.path.endswith(("__init__.py", ".pyi")):
        return []
    for name in islice(_removed_names(edits, snapshot), _MAX_NAMES):
        places = list(find_word(document.text, name))
        if len(places) != 1 or not _is_near_import(document.text, places[0]):
            continue
        tree = tree_of(document)
        found = _removal(tree, document, places[0], name) if tree is not None else None
        if found is not None:
            return [found]
    return []


def _is_near_import(text: str, start: int) -> bool:
    """Return whether an import may hold the place. The file is not parsed for that."""
    statement = text.rfind("import", max(0, start - _MAX_IMPORT_CHARACTERS), start)
    return statement >= 0 and ";" not in text[statement:start] and "=" not in text[statement:start]


def _removed_names(edits: Sequence[Edit], snapshot: Snapshot) -> Iterator[str]:
    """Yield the names in lines that the edits have removed, without those of a line at the cursor, which may go on."""
    document = snapshot.document
    line = document.position_at(snapshot.cursor)[0]
    done: set[str] = set()
    for edit in edits:
        if not edit.stands(document):
            continue
        is_at_cursor = edit.first_line <= line < edit.first_line + len(edit.new_lines)
        if is_at_cursor and len(edit.new_lines) >= len(edit.old_lines):
            continue
        removed = (old for old in edit.old_lines if old not in edit.new_lines)
        kept = set(_NAME.findall("".join(edit.new_lines)))
        for match in _NAME.finditer("".join(removed)):
            if match[0] not in done and match[0] not in kept:
                done.add(match[0])
                yield match[0]


def _removal(tree: Tree, document: Document, start: int, name: str) -> Proposal | None:
    """Return the removal of a name from its import, or of the import; None for another place of the name."""
    nodes = [node for node, _ in tree.path(start, start + len(name))]
    statement = next((node for node in nodes if node.type in _STATEMENTS[document.language]), None)
    if statement is None or statement.parent != tree.root or _KEPT.search(_lines_of(document, statement)):
        return None
    imported = list(_imported(statement))
    confidence = _OF_TYPES if _TYPES.search(tree.text(statement)) else _CONFIDENCE
    place = next((n for n, node in enumerate(imported) if tree.text(node) == name), None)
    if place is None:
        return None
    if len(imported) == 1:
        first, last = statement.start_point[0], statement.end_point[0]
        if _imports_default(statement) or not _is_alone(statement, tree.root):
            return None
        starts = (*document.line_starts, len(document.text))
        return Proposal(document, starts[first], starts[last + 1], "", Rule.IMPORT, confidence)
    if place + 1 < len(imported):
        begin, end = tree.start(imported[place]), tree.start(imported[place + 1])
    else:
        begin, end = tree.end(imported[place - 1]), tree.end(imported[place])
    return Proposal(document, begin, end, "", Rule.IMPORT, confidence)


def _lines_of(document: Document, statement: Node) -> str:
    return "".join(document.lines[statement.start_point[0] : statement.end_point[0] + 1])


def _imports_default(statement: Node) -> bool:
    """Return whether a name stands before the names in braces: `import name, { names } from …`."""
    clauses = (child for child in statement.named_children if child.type == "import_clause")
    return any(child.type == "identifier" for clause in clauses for child in clause.named_children)


def _is_alone(statement: Node, root: Node) -> bool:
    """Return whether the statement's lines hold no other statement."""
    first, last = statement.start_point[0], statement.end_point[0]
    on_its_lines = (one for one in root.named_children if one.start_point[0] <= last and first <= one.end_point[0])
    return all(one == statement or one.type == "comment" for one in on_its_lines)


def _imported(node: Node) -> Iterator[Node]:
    """Yield the nodes of the names that a statement imports, its module left out."""
    module = node.child_by_field_name("module_name")
    for child in node.named_children:
        if child.type in _LISTS:
            yield from _imported(child)
        elif child.type in _NAMES and child != module:
            yield child
