"""workspace/executeCommand midspan.runAction: an action in a client that does not resolve actions itself."""

from lsprotocol import types

from lsp_server.actions.protocol.action_data import ActionData
from lsp_server.actions.protocol.action_features import ActionFeatures
from lsp_server.actions.resolve_action import resolve_action
from lsp_server.actions.rewrites.saved_answers import SavedAnswers
from lsp_server.actions.rewrites.show_answer import show_answer

RUN_ACTION = "midspan.runAction"


def register(features: ActionFeatures, answers: SavedAnswers) -> None:
    """Add the command to a server."""

    server = features.server

    @server.command(RUN_ACTION)
    async def run_action(data: ActionData, title: str) -> None:
        code_action = types.CodeAction(title)
        number = await resolve_action(features, answers, code_action, data)
        if number is not None:
            await show_answer(server, answers, number)
        elif code_action.edit is not None:
            result = await server.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(code_action.edit, title))
            if not result.applied:
                reason = result.failure_reason or "no reason given"
                server.warn(f"{title}: the editor did not apply the edit ({reason}).")
