"""The next edits that follow by rule from a state."""

from context.index.view import View
from context.next_edit.find_next_edits import find_next_edits
from context.related.collect import judge
from lsp_server.next_edit.edit_state import EditState
from lsp_server.next_edit.next_edit import NextEdit, from_proposal


def find_by_rule(state: EditState) -> list[NextEdit]:
    """Return what the rules propose. Reads the index, so it is not to be called on the event loop."""
    workspace = state.workspace
    buffers = [document for document in state.documents if judge(document, workspace).included]
    view = workspace.view(buffers) if workspace is not None else View(None, buffers)
    proposals = find_next_edits(state.snapshot, state.edits, view, state.diagnostics)
    return [from_proposal(proposal) for proposal in proposals]
