"""codeAction/resolve: the edit of one action. Only here a model is asked."""

from lsprotocol import types

from lsp_server.actions.action_data import parse_data
from lsp_server.actions.asked import Asked, current_document
from lsp_server.actions.draft_progress import draft_progress
from lsp_server.actions.hole_edits import hole_edit, import_edit
from lsp_server.actions.kinds import IMPORT
from lsp_server.positions import offset_of
from lsp_server.record import Record
from lsp_server.server import MidspanServer


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
    session = server.session
    record = Record(data.kind, explicit=True, position=(data.range.start.line, data.range.start.character))
    with session.recorded(record):
        document = current_document(server, data.uri, data.version)
        record.is_about(document)
        start, end = (offset_of(document, at, session.encoding) for at in (data.range.start, data.range.end))
        async with draft_progress(server, action.title) as tell:
            asked = Asked(server, data.uri, document, start, end, data.detail, tell, record)
            action.edit = await (import_edit(asked) if data.kind == IMPORT else hole_edit(asked, data.kind))
        current_document(server, data.uri, data.version)
