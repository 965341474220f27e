"""codeAction/resolve: the edit of one action, or the command that opens its answer. Only here a model is asked."""

from lsprotocol import types

from lsp_server.actions.hole_edits import hole_edit, import_edit
from lsp_server.actions.protocol.action_context import ActionContext, asking
from lsp_server.actions.protocol.action_data import ActionData, parse_data
from lsp_server.actions.protocol.draft_progress import Tokens
from lsp_server.actions.protocol.kinds import EDIT, EXPLAIN, FIX, IMPORT, REVIEW, TESTS
from lsp_server.actions.protocol.workspace_edit import Label
from lsp_server.actions.rewrites.answer_in_words import ANSWER, answer_in_words, keep_answer
from lsp_server.actions.rewrites.chat_edits import edit_by_comment, fix
from lsp_server.actions.rewrites.tests_edit import tests_edit
from lsp_server.server.server import MidspanServer


def register(server: MidspanServer) -> None:
    """Adds the feature to a server."""

    @server.feature(types.CODE_ACTION_RESOLVE)
    async def resolve_action(action: types.CodeAction) -> types.CodeAction:
        await resolve(server, action)
        return action


async def resolve(server: MidspanServer, action: types.CodeAction) -> int | None:
    """Completes the action; the number of its answer, if it has one in words.

    Raises MidspanError, or ContentModified when the document has moved on.
    """
    number = None
    data = parse_data(action.data)
    async with asking(server, data, action.title, Tokens()) as asked:
        if data.kind in (EXPLAIN, REVIEW):
            number = keep_answer(asked, data.kind, await answer_in_words(asked, data.kind))
            action.command = types.Command("Show the answer", ANSWER, arguments=[number])
        else:
            action.edit = await _edit(asked, data, action.title)
    return number


async def _edit(asked: ActionContext, data: ActionData, title: str) -> types.WorkspaceEdit:
    if data.kind == IMPORT:
        return await import_edit(asked)
    if data.kind == TESTS:
        return (await tests_edit(asked))[0]
    if data.kind == EDIT:
        rewrite = await edit_by_comment(asked)
    elif data.kind == FIX:
        line, _ = asked.document.position_at(asked.start)
        rewrite = await fix(asked, [(line, data.detail)])
    else:
        return await hole_edit(asked, data.kind)
    return asked.edit(rewrite.changes, Label(title, rewrite.doubt))
