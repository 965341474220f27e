"""Explain, review: an answer in words, and how the user comes to see it."""

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from context.prompt.pack import Pack
from inference.api import Message
from lsp_server.actions.protocol.action_context import ActionContext
from lsp_server.actions.protocol.kinds import EXPLAIN, REVIEW
from lsp_server.actions.rewrites.ask_chat import ask_chat
from lsp_server.actions.rewrites.chat_prompts import question_messages
from lsp_server.actions.rewrites.part import lines_of_range, part_around
from lsp_server.completion.postprocess.invisible import show_unseen
from lsp_server.completion.postprocess.repetition import without_rounds
from lsp_server.server.server import MidspanServer

ANSWER = "midspan.answer"
_QUESTIONS = {
    EXPLAIN: "Explain what this part does and why, for someone who is new to the code:",
    REVIEW: "Review this part: what is wrong or risky in it, the worst first, each with the line and what to do "
    "instead. Say so if nothing is:",
}
_MESSAGE_CHARACTERS = 4000


async def answer_in_words(asked: ActionContext, kind: str) -> str:
    """About what is selected, or about the part around the cursor. Raises MidspanError."""
    document = asked.document
    first, last = lines_of_range(document, asked.start, asked.end)
    if asked.start == asked.end:
        first, last = part_around(document, first, last)
    start, end = document.line_starts[first], document.line_end(last)
    selected = document.text[start:end]

    def messages(packed: Pack) -> list[Message]:
        return question_messages(packed, selected, document.language, _QUESTIONS[kind])

    answered = await ask_chat(asked, start, end, messages, asked.on_text)
    text = show_unseen(answered.text)
    if answered.why_cut:
        text = f"{without_rounds(text, '')}\n\n({answered.why_cut.capitalize()}.)"
    asked.record.shows(len(text))
    return text


def keep_answer(asked: ActionContext, kind: str, text: str) -> int:
    """The number of the answer, for the client to have it opened. Raises OSError."""
    name = kind.rpartition(".")[2]
    first, last = lines_of_range(asked.document, asked.start, asked.end)
    path = show_unseen(asked.document.path)
    title = f"# {name.capitalize()}: {path}, line {first + 1}{f' to {last + 1}' if last > first else ''}"
    return asked.session.answers.add(name, f"{title}\n\n{text}\n\n_{asked.record.model}_\n")


def register(server: MidspanServer) -> None:
    """Adds the command to a server."""

    @server.command(ANSWER)
    async def open_answer(number: int) -> None:
        await show_answer(server, number)


async def show_answer(server: MidspanServer, number: int) -> None:
    """In the editor, or as a message where it opens no documents for others."""
    file = server.session.answers.file(number)
    if file is None:
        server.warn("The answer is not known any more. Ask again.")
        return
    window = server.client_capabilities.window
    if window is not None and window.show_document is not None and window.show_document.support:
        params = types.ShowDocumentParams(file.as_uri(), external=False, take_focus=True)
        try:
            if (await server.window_show_document_async(params)).success:
                return
        except JsonRpcException:
            pass  # then as a message
    text = file.read_text(encoding="utf-8")
    more = " …" if len(text) > _MESSAGE_CHARACTERS else ""
    server.show(types.MessageType.Info, text[:_MESSAGE_CHARACTERS] + more)
