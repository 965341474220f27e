"""codeAction/resolve: a model is asked for the edit of one action, or for its answer, which a command opens."""

from lsprotocol import types

from lsp_server.actions.hole_edits import hole_edit, import_edit
from lsp_server.actions.protocol.action_context import ActionContext, asking
from lsp_server.actions.protocol.action_data import ActionData, parse_data
from lsp_server.actions.protocol.draft_progress import Tokens
from lsp_server.actions.protocol.kinds import EDIT, EXPLAIN, FIX, IMPORT, REVIEW, TESTS
from lsp_server.actions.protocol.workspace_edit import Label
from lsp_server.actions.rewrites.chat_edits import edit_by_comment, fix
from lsp_server.actions.rewrites.explain_or_review import explain_or_review
from lsp_server.actions.rewrites.saved_answers import SavedAnswers
from lsp_server.actions.rewrites.show_answer import SHOW_ANSWER, save_answer
from lsp_server.actions.rewrites.tests_edit import tests_edit
from lsp_server.server.server import MidspanServer


def register(server: MidspanServer, answers: SavedAnswers) -> None:
    """Add the feature to a server."""

    @server.feature(types.CODE_ACTION_RESOLVE)
    async def resolve(code_action: types.CodeAction) -> types.CodeAction:
        await resolve_action(server, answers, code_action)
        return code_action


async def resolve_action(server: MidspanServer, answers: SavedAnswers, code_action: types.CodeAction) -> int | None:
    """Put the edit or the command into a code action, and return the number of its answer, if that is in prose.

    Raises MidspanError, and ContentModified when the document has changed.
    """
    number = None
    data = parse_data(code_action.data)
    async with asking(server, data, code_action.title, Tokens()) as asked:
        if data.kind in (EXPLAIN, REVIEW):
            number = save_answer(asked, answers, data.kind, await explain_or_review(asked, data.kind))
            code_action.command = types.Command("Show the answer", SHOW_ANSWER, arguments=[number])
        else:
            code_action.edit = await _edit(asked, data, code_action.title)
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
