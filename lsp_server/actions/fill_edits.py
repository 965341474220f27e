"""The edits of actions that fill a hole or write an import."""

import asyncio

from lsprotocol import types

from context.documents.document import Document
from context.imports.import_statements import find_import_statements, place_import
from lsp_server.actions.holes.fill_hole import fill_hole
from lsp_server.actions.holes.find_holes import find_holes
from lsp_server.actions.imports.offer_imports import (
    ASK_MODEL,
    make_import_hole,
)
from lsp_server.actions.protocol.action_context import ActionContext
from lsp_server.actions.protocol.workspace_edit import Change, EditLabel
from lsp_server.actions.protocol.workspace_view import view_workspace
from midspan import DocumentError


async def make_hole_edit(action: ActionContext, kind: str) -> types.WorkspaceEdit:
    """Return an edit that fills a hole. Raises DocumentError without a hole of the kind, and as `fill_hole` does."""
    hole = find_holes(action.document, action.start, action.end).get(kind)
    if hole is None:
        raise _does_not_fit(action.document)
    fill = await fill_hole(action, hole)
    return action.make_edit([Change(hole.start, hole.end, fill.new_text)], EditLabel(hole.title, fill.warning))


async def make_import_edit(action: ActionContext) -> types.WorkspaceEdit:
    """Return an edit that adds an import. Raises DocumentError, and as `fill_hole` does.

    The statement is looked up again, so that a client cannot have any other statement written.
    """
    name, _, statement = action.detail.partition(" ")
    is_name = name.isidentifier()
    view = await view_workspace(action.session, action.uri)
    known = await asyncio.to_thread(find_import_statements, name, action.document, view) if is_name else []
    if statement in known:
        place = place_import(action.document, statement, view)
        return action.make_edit([Change(place.start, place.end, place.text)], EditLabel(statement))
    is_for_model = statement == ASK_MODEL and is_name and not known
    hole = make_import_hole(action.document, name) if is_for_model else None
    if hole is None:
        raise _does_not_fit(action.document)
    fill = await fill_hole(action, hole)
    warning = fill.warning or "the module is only a suggestion of the model"
    return action.make_edit([Change(hole.start, hole.end, fill.new_text)], EditLabel(hole.title, warning))


def _does_not_fit(document: Document) -> DocumentError:
    return DocumentError(
        f"Nothing is changed: the action does not fit {document.path} at this place. Ask for code actions again."
    )
