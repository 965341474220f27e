"""The next edits that follow by rule from a state."""

from context.index.view import View
from context.next_edit.by_example import find_by_example
from context.next_edit.find_next_edits import find_next_edits
from context.next_edit.workspace.workspace_files import WorkspaceFiles
from context.related.collect import judge
from lsp_server.next_edit.edit_state import EditState
from lsp_server.next_edit.next_edit import NextEdit, from_proposal


def find_by_rule(state: EditState) -> list[NextEdit]:
    """Return what the rules propose. Reads the index, so it is not to be called on the event loop."""
    view = _view(state)
    proposals = find_next_edits(state.snapshot, state.edits, view, state.diagnostics)
    return [from_proposal(proposal) for proposal in proposals]


def find_likely_places(state: EditState) -> list[NextEdit]:
    """Return the places that may change as one did but that no rule is sure of, the likeliest first."""
    files = WorkspaceFiles(state.documents, _view(state))
    found = find_by_example(state.edits, state.snapshot, files, is_unsure_wanted=True)
    return [from_proposal(proposal) for proposal in found]


def _view(state: EditState) -> View:
    workspace = state.workspace
    buffers = [document for document in state.documents if judge(document, workspace).included]
    return workspace.view(buffers) if workspace is not None else View(None, buffers)
