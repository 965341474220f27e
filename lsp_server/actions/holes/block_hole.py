"""Complete this block: the model writes from the cursor to the end of the block, which indentation tells."""

from context.documents.document import Document
from context.documents.indentation import columns, indentation_of, unit_of
from lsp_server.actions.holes.action_hole import ActionHole, at_dedent
from lsp_server.completion.block_start import opens_block


def find_block_hole(document: Document, line: int, column: int) -> ActionHole | None:
    """Return a hole at the end of a line that is the last of its block, else None."""
    text = document.lines[line].rstrip("\r\n")
    above = document.written_line(line)
    if text[column:].strip() or above is None:
        return None
    opener = document.lines[above].rstrip("\r\n")
    opens = opens_block(document, above)
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
    return ActionHole("Complete this block", start, document.line_end(line), before, "", at_dedent(columns(indent)))


def _is_last(document: Document, line: int, block_columns: int) -> bool:
    """Return whether the block, indented by `block_columns`, has no text below the line."""
    return columns(document.written_below(line)) < block_columns
