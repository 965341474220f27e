"""workspace/executeCommand midspan.runAction: an action in a client that does not resolve actions itself."""

from typing import Any

from lsprotocol import types

from lsp_server.actions.resolving import resolve
from lsp_server.actions.rewrites.answer_in_words import show_answer
from lsp_server.server.server import MidspanServer

RUN = "midspan.runAction"


def register(server: MidspanServer) -> None:
    """Adds the command to a server."""

    @server.command(RUN)
    async def run_action(data: Any, title: str) -> None:
        action = types.CodeAction(title, data=data)
        number = await resolve(server, action)
        if number is not None:
            await show_answer(server, number)
        elif action.edit is not None:
            answer = await server.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(action.edit, title))
            if not answer.applied:
                server.warn(
                    f"{title}: the editor did not apply the edit ({answer.failure_reason or 'no reason given'})."
                )
