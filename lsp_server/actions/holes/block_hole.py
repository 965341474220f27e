"""Complete this block: from the cursor to where the block ends, as indentation tells it, in any language."""

from context.documents.document import Document
from context.documents.indentation import OPENS_BLOCK, columns, indentation_of, unit_of
from lsp_server.actions.holes.hole import Hole, at_dedent


def block_hole(document: Document, line: int, column: int) -> Hole | None:
    """At the end of a line, when nothing more stands in its block."""
    text = document.lines[line].rstrip("\r\n")
    above = document.written_line(line)
    if text[column:].strip() or above is None:
        return None
    opener = document.lines[above].rstrip("\r\n")
    opens = OPENS_BLOCK.search(opener) is not None
    indent = indentation_of(opener) + (unit_of(document.lines) if opens else "")
    if not opens and line > above and text and columns(text) < columns(indent):
        indent = text  # the user has gone back to an outer block
    if not indent or not _is_last(document, line, columns(indent)):
        return None
    start = document.line_end(line)
    if line > above:
        before, start = indent, document.line_starts[line]
    else:
        before = f"\n{indent}" if opens else ""
    return Hole("Complete this block", start, document.line_end(line), before, "", at_dedent(columns(indent)))


def _is_last(document: Document, line: int, block_columns: int) -> bool:
    """Whether what comes after the line is in no block that is indented so."""
    return columns(document.written_below(line)) < block_columns
