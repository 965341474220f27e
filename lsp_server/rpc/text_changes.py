"""Application of the changes of didChange to a document."""

from collections.abc import Iterable

from lsprotocol import types

from context.documents.document import Document, split_lines
from lsp_server.rpc.positions import place_in
from midspan import DocumentError

# The characters of all changed lines, counted anew at each change. More would stall every editor of the daemon.
_MOST_CHARACTERS = 200_000_000


def apply_changes(
    document: Document,
    changes: Iterable[types.TextDocumentContentChangeEvent],
    encoding: types.PositionEncodingKind,
    version: int,
) -> Document:
    """Return this version of the document, after the changes. Each refers to the text that the change before it left.

    To replace a word everywhere is thousands of changes, so the time of one must not grow with the text.
    Raises DocumentError if a change does not fit.
    """
    lines = list(document.lines)
    characters = 0
    for change in changes:
        if isinstance(change, types.TextDocumentContentChangePartial):
            characters += _replace(lines, change, document.path, encoding)
            if characters > _MOST_CHARACTERS:
                raise DocumentError(f"{document.path}: too many changes of too long a line at once. Reopen the file.")
        else:
            lines = list(split_lines(change.text))
    return document.with_lines(lines, version)


def _replace(
    lines: list[str], change: types.TextDocumentContentChangePartial, path: str, encoding: types.PositionEncodingKind
) -> int:
    """Apply one change to the lines of a text, each with its line end, and return the number of characters written."""
    start = first, _ = place_in(lines, change.range.start, path, encoding)
    end = last, _ = place_in(lines, change.range.end, path, encoding)
    if start > end:
        raise DocumentError(f"{path}: a change ends before it begins. Reopen the file.")
    text = lines[first][: start[1]] + change.text + lines[last][end[1] :]
    if first > 0 and lines[first - 1].endswith("\r"):  # the new text may begin with the other half of this line end
        first -= 1
        text = lines[first] + text
    pieces = split_lines(text)
    if last < len(lines) - 1:
        pieces = pieces[:-1]  # the last piece is empty: the text ends with a line end
    lines[first : last + 1] = pieces
    return len(text)
