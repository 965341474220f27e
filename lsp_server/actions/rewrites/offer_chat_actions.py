"""The offers of actions that the chat model does."""

from collections.abc import Iterable, Iterator

from lsprotocol import types

from context.documents.document import Document
from lsp_server.actions.protocol.action_offer import ActionOffer
from lsp_server.actions.protocol.kinds import EDIT, EXPLAIN, FIX, REVIEW, TESTS
from lsp_server.actions.rewrites.instruction import find_instruction
from lsp_server.actions.rewrites.selection import find_enclosing_definition
from lsp_server.actions.rewrites.write_tests import WRITE_TESTS, find_tests_target
from lsp_server.chat.chat_feature import ChatFeature
from lsp_server.chat.chat_request import chat_section
from lsp_server.server.session import Session
from midspan import DocumentError, MidspanError

_MOST_FIXES = 3
_TITLE_CHARACTERS = 60
_MESSAGE_CHARACTERS = 1000


def offer_chat_actions(
    document: Document, start: int, end: int, diagnostics: Iterable[types.Diagnostic]
) -> Iterator[ActionOffer]:
    """Yield the actions that fit the place, with or without a chat model to run them."""
    for diagnostic in list(diagnostics)[:_MOST_FIXES]:
        message = " ".join(diagnostic.message.split())
        detail = message[:_MESSAGE_CHARACTERS]
        title = f"Fix: {_short(message)}"
        yield ActionOffer(FIX, title, detail, diagnostics=(diagnostic,), range=diagnostic.range)
    if found := find_instruction(document, start, end):
        yield ActionOffer(EDIT, f"Edit: {_short(found.text)}")
    elif start != end:
        how = "Write an instruction as a comment in the selection or above the cursor: `midspan: …`."
        yield ActionOffer(EDIT, "Edit by instruction", disabled=how)
    line, _ = document.position_at(start)
    if start != end or document.lines[line].strip():
        yield ActionOffer(EXPLAIN, "Explain this")
        yield ActionOffer(REVIEW, "Review this")
    if start != end or find_enclosing_definition(document, line) is not None:
        yield ActionOffer(TESTS, WRITE_TESTS)


async def why_no_tests(session: Session, uri: str, document: Document) -> str:
    """Return why no file can hold tests of the document; "" when one can."""
    try:
        await find_tests_target(session, uri, document)
    except DocumentError as error:
        return f"{error}."
    return ""


def why_no_chat(chat: ChatFeature) -> str:
    """Return why the chat model cannot be asked, without loading it; "" when it can or may be."""
    try:
        chat_section(chat.session.settings)
        engine = chat.running
        if engine is not None and engine.ready.done():
            if not engine.ready.cancelled() and (error := engine.ready.exception()) is not None:
                is_known = isinstance(error, MidspanError)
                return str(error) if is_known else "The chat model failed to load; the log says where."
            engine.chat_prompt(())  # a model that was not trained to chat raises ModelError
    except MidspanError as error:
        return f"{error}."
    return ""


def _short(text: str) -> str:
    return text if len(text) <= _TITLE_CHARACTERS else f"{text[: _TITLE_CHARACTERS - 1]}…"
