"""The names around the cursor, from which the search for context starts."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from context.documents.document import Document
from context.documents.indentation import indentation_of
from context.documents.snapshot import Snapshot
from context.index.terms import identifiers, search_terms
from context.index.view import View
from context.syntax.imports import Import, find_imports

# The lines around the cursor whose names count as near, and the distance at which a name counts half.
_LINES_BEFORE = 60
_LINES_AFTER = 25
_HALF_LINES = 10
_MAX_BLOCK_LINES = 1000
_ENCLOSING = 0.7  # the weight of a name in the first line of a block around the cursor
_WINDOW_LINES = 12  # similar code is compared with these lines


@dataclass(frozen=True)
class CursorSurroundings:
    """`near` gives each name around the cursor a weight, from 1 for its own line down to 0."""

    snapshot: Snapshot
    near: Mapping[str, float]
    enclosing: Set[str]  # in the first lines of the blocks that the cursor is in
    names: Set[str]  # of the whole document
    window_terms: Set[str]
    imports: tuple[tuple[Import, list[str]], ...]  # with the files that they mean


def look_around(snapshot: Snapshot, view: View) -> CursorSurroundings:
    """Read the current document; the view tells which files the document's imports mean."""
    document = snapshot.document
    line, _ = document.position_at(snapshot.cursor)
    near: dict[str, float] = {}
    for number in range(max(0, line - _LINES_BEFORE), min(len(document.lines), line + _LINES_AFTER + 1)):
        weight = _HALF_LINES / (_HALF_LINES + abs(number - line))
        for name in identifiers(document.lines[number]):
            near[name] = max(weight, near.get(name, 0.0))
    enclosing = frozenset(
        name for number in _lines_around(document, line) for name in identifiers(document.lines[number])
    )
    for name in enclosing:
        near[name] = max(_ENCLOSING, near.get(name, 0.0))
    window = document.lines[max(0, line - _WINDOW_LINES) : line + _WINDOW_LINES // 2]
    imports = tuple(
        (imported, view.imported_files(imported, document.path, document.language))
        for imported in find_imports(document.language, document.text)
    )
    return CursorSurroundings(
        snapshot,
        near,
        enclosing,
        identifiers(document.text),
        search_terms(identifiers("".join(window))),
        imports,
    )


def _lines_around(document: Document, line: int) -> Iterator[int]:
    """Yield the first lines of the blocks that a line is in by its indentation, the innermost first.

    An empty line may be in the block that the last line before it opens.
    """
    text = document.lines[line].rstrip("\r\n")
    depth = len(indentation_of(text)) if text else None
    for number in range(line - 1, max(-1, line - _MAX_BLOCK_LINES), -1):
        if depth == 0:
            return
        text = document.lines[number]
        if text.strip() and (depth is None or len(indentation_of(text)) < depth):
            yield number
            depth = len(indentation_of(text))
