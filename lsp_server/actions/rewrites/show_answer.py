"""workspace/executeCommand midspan.answer: the editor opens the answer to an explain or review action."""

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from lsp_server.actions.protocol.action_context import ActionContext
from lsp_server.actions.protocol.action_features import ActionFeatures
from lsp_server.actions.rewrites.saved_answers import SavedAnswers
from lsp_server.actions.rewrites.selection import selected_lines
from lsp_server.completion.postprocess.unseen_characters import replace_unseen
from lsp_server.server.server import MidspanServer

SHOW_ANSWER = "midspan.answer"
_MESSAGE_CHARACTERS = 4000


def register(features: ActionFeatures, answers: SavedAnswers) -> None:
    """Add the command to a server."""

    @features.server.command(SHOW_ANSWER)
    async def open_answer(number: int) -> None:
        await show_answer(features.server, answers, number)


def save_answer(action: ActionContext, answers: SavedAnswers, kind: str, text: str) -> int:
    """Save an answer under a title and return its number, with which the client opens it. Raises OSError."""
    name = kind.rpartition(".")[2]
    first, last = selected_lines(action.document, action.start, action.end)
    path = replace_unseen(action.document.path)
    title = f"# {name.capitalize()}: {path}, line {first + 1}{f' to {last + 1}' if last > first else ''}"
    return answers.save(name, f"{title}\n\n{text}\n\n_{action.record.model}_\n")


async def show_answer(server: MidspanServer, answers: SavedAnswers, number: int) -> None:
    """Open the answer in the editor, or show it as a message when the client cannot open documents."""
    file = answers.file(number)
    if file is None:
        server.warn("This answer has been deleted. Run the action again.")
        return
    window = server.client_capabilities.window
    if window is not None and window.show_document is not None and window.show_document.support:
        params = types.ShowDocumentParams(file.as_uri(), external=False, take_focus=True)
        try:
            if (await server.window_show_document_async(params)).success:
                return
        except JsonRpcException:
            pass  # a client that refuses gets the message below
    text = file.read_text(encoding="utf-8")
    more = " …" if len(text) > _MESSAGE_CHARACTERS else ""
    server.show(types.MessageType.Info, text[:_MESSAGE_CHARACTERS] + more)
