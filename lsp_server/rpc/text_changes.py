"""What a didChange makes of a document."""

from collections.abc import Iterable
from dataclasses import replace

from lsprotocol import types

from context.documents.document import Document, split_lines
from lsp_server.rpc.positions import place_in
from midspan import DocumentError

# Characters of lines that are changed, each counted at each of its changes: more would stall every editor.
_MOST_CHARACTERS = 200_000_000


def apply_changes(
    document: Document,
    changes: Iterable[types.TextDocumentContentChangeEvent],
    encoding: types.PositionEncodingKind,
) -> Document:
    """The document after the changes, each of which is in terms of the text that the one before it left.

    A replacement of a word everywhere is thousands of changes, so none of them may take as long as the text is.
    Raises DocumentError for a change that does not fit.
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
    return replace(document, text="".join(lines))


def _replace(
    lines: list[str], change: types.TextDocumentContentChangePartial, path: str, encoding: types.PositionEncodingKind
) -> int:
    """In the lines of a text, each with its end. Says how many characters it has moved."""
    start = first, _ = place_in(lines, change.range.start, path, encoding)
    end = last, _ = place_in(lines, change.range.end, path, encoding)
    if start > end:
        raise DocumentError(f"{path}: a change ends before it begins. Reopen the file.")
    text = lines[first][: start[1]] + change.text + lines[last][end[1] :]
    if first > 0 and lines[first - 1].endswith("\r"):  # with what comes now it may be one line end
        first -= 1
        text = lines[first] + text
    pieces = split_lines(text)
    if last < len(lines) - 1:
        pieces = pieces[:-1]  # empty: the text ends with the end of its last line
    lines[first : last + 1] = pieces
    return len(text)
