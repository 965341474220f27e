"""Empty blocks at the cursor."""

from context.documents.document import Document
from context.documents.indentation import OPENS_BLOCK, indentation_of
from context.documents.languages import block_comment, line_comment
from context.documents.snapshot import Snapshot
from context.syntax.comments import may_be_in_long_string
from context.syntax.tree import leaf_before

_QUOTES = ('"', "'")


def is_block_start(snapshot: Snapshot) -> bool:
    """Tell whether the nearest written line above opens a block, and the next written line below is not in it."""
    document = snapshot.document
    line, _ = document.position_at(snapshot.cursor)
    above = document.written_line(line - 1)
    if above is None or not opens_block(document, above):
        return False
    return len(indentation_of(document.written_below(line))) <= len(indentation_of(document.lines[above]))


def opens_block(document: Document, line: int) -> bool:
    """Tell whether the line ends with code that opens a block; "Note:" in a comment or a docstring opens none."""
    text = document.lines[line].rstrip()
    if (mark := line_comment(document.language)) is not None and mark in text:
        text = _without_comment(document, line, text)
    if not OPENS_BLOCK.search(text):
        return False
    end = document.line_starts[line] + len(text)
    if not _may_be_text(document, line, end):
        return True
    leaf = leaf_before(document, end)
    return leaf is None or not leaf.is_within("comment", "string")


def _may_be_text(document: Document, line: int, end: int) -> bool:
    """Tell whether a comment or a string may be open there. Parsing a long document would stall the editor."""
    before = document.text[:end]
    marks = block_comment(document.language)
    if marks is not None and before.rfind(marks[0]) > before.rfind(marks[1]):
        return True
    in_line = document.text[document.line_starts[line] : end]
    return may_be_in_long_string(before) or any(in_line.count(quote) % 2 for quote in _QUOTES)


def _without_comment(document: Document, line: int, text: str) -> str:
    """Return the line without the comment at its end; the whole line where there is no grammar."""
    leaf = leaf_before(document, document.line_starts[line] + len(text))
    if leaf is None or not leaf.is_within("comment"):
        return text
    first_line, column_bytes = leaf.node.start_point
    return text.encode()[:column_bytes].decode().rstrip() if first_line == line else ""
