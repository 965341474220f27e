"""All holes that actions may open at one place."""

from context.documents.document import Document
from lsp_server.actions.holes.action_hole import ActionHole
from lsp_server.actions.holes.block_hole import find_block_hole
from lsp_server.actions.holes.body_hole import find_body_hole
from lsp_server.actions.holes.branch_hole import find_branch_hole
from lsp_server.actions.holes.docstring_hole import find_docstring_hole
from lsp_server.actions.protocol.kinds import BLOCK, BODY, BRANCH, DOCSTRING


def find_holes(document: Document, start: int, end: int) -> dict[str, ActionHole]:
    """Return the holes by their kinds. A selection names a definition, so it opens no block hole."""
    line, column = document.position_at(start)
    found = {
        BODY: find_body_hole(document, line),
        DOCSTRING: find_docstring_hole(document, line),
        BRANCH: find_branch_hole(document, line),
    }
    if start == end and found[BODY] is None:
        found[BLOCK] = find_block_hole(document, line, column)
    return {kind: hole for kind, hole in found.items() if hole is not None}
