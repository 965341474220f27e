"""codeAction/resolve: a model writes the edit of one action, or its answer, which a command opens."""

from lsprotocol import types

from lsp_server.actions.fill_edits import make_hole_edit, make_import_edit
from lsp_server.actions.protocol.action_context import ActionContext, start_action
from lsp_server.actions.protocol.action_data import ActionData
from lsp_server.actions.protocol.action_features import ActionFeatures
from lsp_server.actions.protocol.draft_progress import ProgressTokens
from lsp_server.actions.protocol.kinds import EDIT, EXPLAIN, FIX, IMPORT, REVIEW, TESTS
from lsp_server.actions.protocol.workspace_edit import EditLabel
from lsp_server.actions.rewrites.edit_or_fix import edit_by_comment, fix_diagnostics
from lsp_server.actions.rewrites.explain_or_review import explain_or_review
from lsp_server.actions.rewrites.saved_answers import SavedAnswers
from lsp_server.actions.rewrites.show_answer import SHOW_ANSWER, save_answer
from lsp_server.actions.rewrites.write_tests import write_tests
from lsp_server.rpc.params import read_params


def register(features: ActionFeatures, answers: SavedAnswers) -> None:
    """Add the feature to a server."""

    @features.server.feature(types.CODE_ACTION_RESOLVE)
    async def resolve(code_action: types.CodeAction) -> types.CodeAction:
        # The client sends back the data of textDocument/codeAction, and may have changed them.
        data = read_params(code_action.data, ActionData, types.CODE_ACTION_RESOLVE)
        await resolve_action(features, answers, code_action, data)
        return code_action


async def resolve_action(
    features: ActionFeatures, answers: SavedAnswers, code_action: types.CodeAction, data: ActionData
) -> int | None:
    """Put the edit or the command into a code action, and return the number of its answer, if that is in prose.

    Raises MidspanError, and ContentModified when the document has changed.
    """
    number = None
    async with start_action(features, data, code_action.title, ProgressTokens()) as action:
        if data.kind in (EXPLAIN, REVIEW):
            number = save_answer(action, answers, data.kind, await explain_or_review(action, data.kind))
            code_action.command = types.Command("Show the answer", SHOW_ANSWER, arguments=[number])
        else:
            code_action.edit = await _edit(action, data, code_action.title)
    return number


async def _edit(action: ActionContext, data: ActionData, title: str) -> types.WorkspaceEdit:
    if data.kind == IMPORT:
        return await make_import_edit(action)
    if data.kind == TESTS:
        return (await write_tests(action))[0]
    if data.kind == EDIT:
        rewrite = await edit_by_comment(action)
    elif data.kind == FIX:
        line, _ = action.document.position_at(action.start)
        rewrite = await fix_diagnostics(action, [(line, data.detail)])
    else:
        return await make_hole_edit(action, data.kind)
    return action.make_edit(rewrite.changes, EditLabel(title, rewrite.warning))
