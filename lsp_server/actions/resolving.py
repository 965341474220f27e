"""codeAction/resolve: the edit of one action. Only here a model is asked."""

from collections.abc import Callable

from lsprotocol import types
from pygls.exceptions import JsonRpcContentModified

from context.document import Document
from lsp_server.actions.action_data import ActionData, parse_data
from lsp_server.actions.draft_progress import draft_progress
from lsp_server.actions.fill_hole import fill_hole
from lsp_server.actions.holes import holes_at
from lsp_server.actions.workspace_edit import Change, Edits, Label
from lsp_server.positions import offset_of
from lsp_server.record import Record
from lsp_server.server import MidspanServer
from midspan import DocumentError


def register(server: MidspanServer) -> None:
    """Adds the feature to a server."""

    @server.feature(types.CODE_ACTION_RESOLVE)
    async def resolve_action(action: types.CodeAction) -> types.CodeAction:
        await resolve(server, action)
        return action


async def resolve(server: MidspanServer, action: types.CodeAction) -> None:
    """Puts the edit into the action. Raises MidspanError, or ContentModified when the document has moved on."""
    data = parse_data(action.data)
    server.follow_settings()
    document = current_document(server, data)
    record = Record(data.kind, explicit=True, position=(data.range.start.line, data.range.start.character))
    record.is_about(document)
    with server.session.recorded(record):
        async with draft_progress(server, action.title) as tell:
            action.edit = await _fill(server, data, document, while_current(server, data, tell), record)
        current_document(server, data)


def current_document(server: MidspanServer, data: ActionData) -> Document:
    """The document, as it was when the action was offered. Raises ContentModified, or DocumentError."""
    document = server.session.documents.document(data.uri)
    if document.version != data.version:
        raise JsonRpcContentModified(
            f"Nothing is changed: {document.path} was edited since the action was offered. Ask for it again."
        )
    return document


def while_current(server: MidspanServer, data: ActionData, tell: Callable[[str], None]) -> Callable[[str], None]:
    """What ends a generation, by raising, once its document has moved on."""

    def tell_if_current(text: str) -> None:
        current_document(server, data)
        tell(text)

    return tell_if_current


def edits_for(server: MidspanServer) -> Edits:
    """What makes the edits of this client."""
    return Edits(server.client_capabilities, server.session.encoding)


async def _fill(
    server: MidspanServer, data: ActionData, document: Document, tell: Callable[[str], None], record: Record
) -> types.WorkspaceEdit:
    session = server.session
    start, end = (offset_of(document, at, session.encoding) for at in (data.range.start, data.range.end))
    hole = holes_at(document, start, end).get(data.kind)
    if hole is None:
        raise DocumentError(f"Nothing is changed: there is no such place in {document.path}. Ask for actions again.")
    fill = await fill_hole(session, data.uri, document, hole, tell, record)
    record.shows(len(fill.new_text), f": {fill.doubt}" if fill.doubt else "")
    edits = edits_for(server)
    if fill.doubt and not edits.has_annotations:
        server.show(types.MessageType.Warning, f"{hole.title}: {fill.doubt}. Look at it before you keep it.")
    return edits.of_document(
        data.uri, document, [Change(hole.start, hole.end, fill.new_text)], Label(hole.title, fill.doubt)
    )
