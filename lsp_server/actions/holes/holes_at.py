"""The holes that may be made at one place."""

from context.documents.document import Document
from lsp_server.actions.holes.block_hole import block_hole
from lsp_server.actions.holes.body_hole import body_hole
from lsp_server.actions.holes.branch_hole import branch_hole
from lsp_server.actions.holes.docstring_hole import docstring_hole
from lsp_server.actions.holes.hole import Hole
from lsp_server.actions.protocol.kinds import BLOCK, BODY, BRANCH, DOCSTRING


def holes_at(document: Document, start: int, end: int) -> dict[str, Hole]:
    """By their kinds. A selection says which definition is meant, and that no block is to be completed."""
    line, column = document.position_at(start)
    found = {
        BODY: body_hole(document, line),
        DOCSTRING: docstring_hole(document, line),
        BRANCH: branch_hole(document, line),
    }
    if start == end and found[BODY] is None:
        found[BLOCK] = block_hole(document, line, column)
    return {kind: hole for kind, hole in found.items() if hole is not None}
