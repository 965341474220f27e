"""The fill of a hole, as the completion model writes it."""

import asyncio
from dataclasses import dataclass, replace

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.syntax.tree import breaks_syntax
from lsp_server.actions.holes.action_hole import ActionHole
from lsp_server.actions.protocol.action_context import ActionContext
from lsp_server.completion.confidence import has_low_confidence
from lsp_server.completion.postprocess import postprocess
from lsp_server.rpc.positions import position_of
from lsp_server.server.generate import Generated, generate
from midspan import ModelError


@dataclass(frozen=True)
class Fill:
    """The text that replaces the hole, and a warning against it; of no text, the reason."""

    new_text: str
    warning: str


async def fill_hole(action: ActionContext, hole: ActionHole) -> Fill:
    """Have the model fill a hole. Raises MidspanError; ModelError when no text is worth showing."""
    session, document, record = action.session, action.document, action.record
    engine = session.engine
    seen = session.snapshot(action.uri, position_of(document, hole.start, session.encoding))
    snapshot = replace(seen, document=replace(document, text=hole.text_with_hole(document)), cursor=hole.cursor)
    record.model = engine.info.name
    record.packed, request = await session.build_request(engine, action.uri, snapshot, None, hole.max_tokens)
    record.mark("pack")
    written = await generate(engine, request, action.on_text, lambda text: hole.find_end(text) is not None)
    record.mark("engine")
    record.trace = written.trace
    fill = await asyncio.to_thread(_take, document, snapshot, hole, written)  # on a thread, because it parses
    if not fill.new_text:
        raise ModelError(f"Nothing is changed: {fill.warning} ({engine.info.name}).")
    return fill


def _take(document: Document, snapshot: Snapshot, hole: ActionHole, written: Generated) -> Fill:
    """Return the part of the model's text that is worth showing."""
    end = hole.find_end(written.text)
    is_whole = end is not None or written.finish_reason != "length"
    text, newline, _ = written.text.rpartition("\n")  # half a line is worse than none
    if is_whole or not newline:
        text = written.text[:end]
    cleaned = postprocess(text, snapshot, "eos" if is_whole else "lines" if newline else "length")
    text = cleaned.text.rstrip()
    if not is_whole:
        text = _while_it_parses(document, hole, text)
    if not text or text == document.text[hole.start : hole.end].strip():
        return Fill("", cleaned.why_nothing or "the model only repeats what is there")
    warnings = []
    if written.trace is not None and has_low_confidence(written.trace):
        warnings.append("the model only guesses")
    if not is_whole:
        warnings.append(f"it was cut after {hole.max_tokens} tokens")
    new_text = hole.replacement(text)
    if breaks_syntax(document, _with(document, hole, new_text)):
        warnings.append("it does not parse")
    return Fill(new_text, ", ".join(warnings))


def _while_it_parses(document: Document, hole: ActionHole, text: str) -> str:
    """Drop last lines of a text that was cut until the document parses; return "" when no line is left."""
    while text and breaks_syntax(document, _with(document, hole, hole.replacement(text))):
        text = text.rpartition("\n")[0].rstrip()
    return text


def _with(document: Document, hole: ActionHole, new_text: str) -> Document:
    return replace(document, text=document.text[: hole.start] + new_text + document.text[hole.end :])
