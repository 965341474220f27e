"""What a chat model may be asked at a place."""

from collections.abc import Iterable, Iterator

from lsprotocol import types

from context.documents.document import Document
from lsp_server.actions.protocol.action_offer import ActionOffer
from lsp_server.actions.protocol.diagnostic_text import text_of
from lsp_server.actions.protocol.kinds import EDIT, EXPLAIN, FIX, REVIEW, TESTS
from lsp_server.actions.rewrites import tests_edit
from lsp_server.actions.rewrites.instruction import instruction_at
from lsp_server.actions.rewrites.part import definition_around
from lsp_server.chat.chat_request import chat_section
from lsp_server.server.server import MidspanServer
from midspan import DocumentError, MidspanError

_MOST_FIXES = 3
_TITLE_CHARACTERS = 60
_MESSAGE_CHARACTERS = 1000


def chat_offers(
    document: Document, start: int, end: int, diagnostics: Iterable[types.Diagnostic]
) -> Iterator[ActionOffer]:
    """Those that fit, whether there is a model or not."""
    for diagnostic in list(diagnostics)[:_MOST_FIXES]:
        said = " ".join(text_of(diagnostic).split())
        detail = said[:_MESSAGE_CHARACTERS]
        title = f"Fix: {_short(said)}"
        yield ActionOffer(FIX, title, detail, diagnostics=(diagnostic,), range=diagnostic.range)
    if found := instruction_at(document, start, end):
        yield ActionOffer(EDIT, f"Edit: {_short(found.said)}")
    elif start != end:
        how = "Write what to do in a comment in the selection or above the cursor: `midspan: …`."
        yield ActionOffer(EDIT, "Edit by instruction", disabled=how)
    line, _ = document.position_at(start)
    if start != end or document.lines[line].strip():
        yield ActionOffer(EXPLAIN, "Explain this")
        yield ActionOffer(REVIEW, "Review this")
    if start != end or definition_around(document, line) is not None:
        yield ActionOffer(TESTS, tests_edit.TITLE)


async def why_no_tests(server: MidspanServer, uri: str, document: Document) -> str:
    """Why tests of the document have no place; "" when they have."""
    try:
        await tests_edit.find_target(server.session, uri, document)
    except DocumentError as error:
        return f"{error}."
    return ""


def why_no_chat(server: MidspanServer) -> str:
    """Why no chat model can be asked, as far as it is known without loading one; "" when one can."""
    session = server.session
    try:
        chat_section(session.settings)
        engine = session.running_chat_engine
        if engine is not None and engine.ready.done():
            if not engine.ready.cancelled() and (error := engine.ready.exception()) is not None:
                return str(error) if isinstance(error, MidspanError) else "The chat model failed; the log says where."
            engine.chat_prompt(())  # refused by a model that was not trained for it
    except MidspanError as error:
        return f"{error}."
    return ""


def _short(text: str) -> str:
    return text if len(text) <= _TITLE_CHARACTERS else f"{text[: _TITLE_CHARACTERS - 1]}…"
