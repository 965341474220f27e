"""The edits of the actions whose hole the completion's model fills."""

import asyncio

from lsprotocol import types

from context.documents.document import Document
from lsp_server.actions.holes.fill_hole import fill_hole
from lsp_server.actions.holes.holes_at import holes_at
from lsp_server.actions.imports.import_actions import ASK_MODEL, import_change, import_hole, statements_for
from lsp_server.actions.protocol.action_context import ActionContext
from lsp_server.actions.protocol.workspace_edit import Change, Label
from lsp_server.actions.protocol.workspace_view import view_around
from midspan import DocumentError


async def hole_edit(asked: ActionContext, kind: str) -> types.WorkspaceEdit:
    """Raises DocumentError when there is no hole of this kind, and what `fill_hole` raises."""
    hole = holes_at(asked.document, asked.start, asked.end).get(kind)
    if hole is None:
        raise _no_such_place(asked.document)
    fill = await fill_hole(asked, hole)
    return asked.edit([Change(hole.start, hole.end, fill.new_text)], Label(hole.title, fill.doubt))


async def import_edit(asked: ActionContext) -> types.WorkspaceEdit:
    """What was offered is looked up again: a statement of the client's own making is refused."""
    name, _, statement = asked.detail.partition(" ")
    is_name = name.isidentifier()
    view = await view_around(asked.session, asked.uri)
    known = await asyncio.to_thread(statements_for, name, asked.document, view) if is_name else []
    if statement in known:
        return asked.edit([import_change(asked.document, statement)], Label(statement))
    is_for_model = statement == ASK_MODEL and is_name and not known
    hole = import_hole(asked.document, name) if is_for_model else None
    if hole is None:
        raise _no_such_place(asked.document)
    fill = await fill_hole(asked, hole)
    doubt = fill.doubt or "only the model says so"
    return asked.edit([Change(hole.start, hole.end, fill.new_text)], Label(hole.title, doubt))


def _no_such_place(document: Document) -> DocumentError:
    return DocumentError(f"Nothing is changed: there is no such place in {document.path}. Ask for actions again.")
