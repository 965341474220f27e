"""Explain and review: the chat model answers in prose about the selected lines."""

from context.prompt.pack import Pack
from inference.api import Message
from lsp_server.actions.protocol.action_context import ActionContext
from lsp_server.actions.protocol.kinds import EXPLAIN, REVIEW
from lsp_server.actions.rewrites.ask_chat import ask_chat
from lsp_server.actions.rewrites.chat_prompts import question_messages
from lsp_server.actions.rewrites.selection import expand_selection, selected_lines
from lsp_server.completion.postprocess.repetition import without_repeated_lines
from lsp_server.completion.postprocess.unseen_characters import replace_unseen

_QUESTIONS = {
    EXPLAIN: "Explain what this part does and why, for someone who is new to the code:",
    REVIEW: "Review this part: what is wrong or risky in it, the worst first, each with the line and what to do "
    "instead. Say so if nothing is:",
}


async def explain_or_review(action: ActionContext, kind: str) -> str:
    """Return the model's answer about the selection or, without one, the code around the cursor. Raises MidspanError.

    `kind` is EXPLAIN or REVIEW.
    """
    document = action.document
    first, last = selected_lines(document, action.start, action.end)
    if action.start == action.end:
        first, last = expand_selection(document, first, last)
    start, end = document.line_starts[first], document.line_end(last)
    selected = document.text[start:end]

    def messages(packed: Pack) -> list[Message]:
        return question_messages(packed, selected, document.language, _QUESTIONS[kind])

    answer = await ask_chat(action, start, end, messages, action.on_text)
    text = replace_unseen(answer.text)
    if answer.cut_reason:
        text = f"{without_repeated_lines(text, '')}\n\n({answer.cut_reason.capitalize()}.)"
    action.record.shows(len(text))
    return text
