"""What the completion's model writes into a hole."""

import asyncio
from dataclasses import dataclass, replace

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.syntax.tree import breaks_syntax
from lsp_server.actions.holes.hole import Hole
from lsp_server.actions.protocol.action_context import ActionContext
from lsp_server.completion.confidence import has_low_confidence
from lsp_server.completion.postprocess import postprocess
from lsp_server.rpc.positions import position_of
from lsp_server.server.generate import Generated, generate
from midspan import ModelError


@dataclass(frozen=True)
class Fill:
    """What takes the hole's place, whole, and what speaks against it; of no text, why there is none."""

    new_text: str
    doubt: str


async def fill_hole(asked: ActionContext, hole: Hole) -> Fill:
    """Raises MidspanError; ModelError when the model writes nothing."""
    session, document, record = asked.session, asked.document, asked.record
    engine = session.engine
    seen = session.snapshot(asked.uri, position_of(document, hole.start, session.encoding))
    snapshot = replace(seen, document=replace(document, text=hole.dug(document)), cursor=hole.cursor)
    record.model = engine.info.name
    record.packed, request = await session.build_request(engine, asked.uri, snapshot, None, hole.max_tokens)
    record.mark("pack")
    written = await generate(engine, request, asked.on_text, lambda text: hole.ending(text) is not None)
    record.mark("engine")
    record.trace = written.trace
    fill = await asyncio.to_thread(_take, document, snapshot, hole, written)  # which parses
    if not fill.new_text:
        raise ModelError(f"Nothing is changed: {fill.doubt} ({engine.info.name}).")
    return fill


def _take(document: Document, snapshot: Snapshot, hole: Hole, written: Generated) -> Fill:
    """What of the model's text is worth showing."""
    end = hole.ending(written.text)
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
    doubts = []
    if written.trace is not None and has_low_confidence(written.trace):
        doubts.append("the model only guesses")
    if not is_whole:
        doubts.append(f"it was cut after {hole.max_tokens} tokens")
    new_text = hole.filled(text)
    if breaks_syntax(document, _with(document, hole, new_text)):
        doubts.append("it does not parse")
    return Fill(new_text, ", ".join(doubts))


def _while_it_parses(document: Document, hole: Hole, text: str) -> str:
    """The first lines of a text that was cut, without those that the cut has left open; "" when none are whole."""
    while text and breaks_syntax(document, _with(document, hole, hole.filled(text))):
        text = text.rpartition("\n")[0].rstrip()
    return text


def _with(document: Document, hole: Hole, new_text: str) -> Document:
    return replace(document, text=document.text[: hole.start] + new_text + document.text[hole.end :])
