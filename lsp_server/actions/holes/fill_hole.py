"""The fill of a hole, as the completion model writes it."""

import asyncio
from dataclasses import dataclass, replace

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.syntax.tree import breaks_syntax
from inference.api import Engine, Request
from lsp_server.actions.holes.action_hole import ActionHole
from lsp_server.actions.protocol.action_context import ActionContext
from lsp_server.completion.pipeline import Filled, fill
from lsp_server.completion.postprocess import Cleaned, postprocess
from lsp_server.rpc.positions import position_of
from lsp_server.server.generate import Generated, generate
from lsp_server.telemetry.outcome import Outcome, reason
from midspan import ModelError


@dataclass(frozen=True)
class Fill:
    """The text that replaces the hole, and a warning against it; of no text, the reason. `text` is the model's part."""

    new_text: str
    warning: str
    text: str = ""


async def fill_hole(action: ActionContext, hole: ActionHole) -> Fill:
    """Have the model fill a hole, and the body of a header that it has written alone.

    Raises MidspanError; ModelError when no text is worth showing.
    """
    filled = await _fill_once(action, hole)
    body_hole = hole.body_hole(filled.text)
    if body_hole is None:
        return filled
    body, doubt = await _fill_once(action, body_hole), reason(Outcome.LOW_CONFIDENCE)
    if doubt in body.warning or doubt not in filled.warning:
        return body
    return replace(body, warning=", ".join(filter(None, [doubt, body.warning])))


async def _fill_once(action: ActionContext, hole: ActionHole) -> Fill:
    session, completion, document = action.session, action.features.completion, action.document
    seen = session.snapshot(action.uri, position_of(action.original, hole.start, session.encoding))
    with_hole = replace(action.original, text=hole.text_with_hole(action.original))
    snapshot = replace(seen, document=with_hole, cursor=hole.cursor)

    async def generate_fill(engine: Engine, request: Request, _snapshot: Snapshot) -> list[Generated]:
        return [await generate(engine, request, action.on_text, lambda text: hole.find_end(text) is not None)]

    def clean_fill(generated: Generated, snapshot: Snapshot) -> Cleaned:
        return _clean(generated, snapshot, hole)

    job = completion.job(action.uri, snapshot, max_lines=None)
    settings = replace(job.settings, max_tokens=hole.max_tokens)  # the user's setting is about completions
    job = replace(job, settings=settings, generate=generate_fill, clean=clean_fill)
    filled = await fill(completion.model.engine(), job, action.record, session.context_thread)
    action.record.ended = None  # the hole decides where its fill ends
    judged = await asyncio.to_thread(_judge, document, hole, filled)  # on a thread, because it parses
    if not judged.new_text:
        raise ModelError(f"Nothing is changed: {judged.warning} ({action.record.model}).")
    return judged


def _is_whole(generated: Generated, hole: ActionHole) -> bool:
    """Return whether the model has written the fill to its end."""
    return hole.find_end(generated.text) is not None or generated.finish_reason != "length"


def _clean(generated: Generated, snapshot: Snapshot, hole: ActionHole) -> Cleaned:
    """Clean the part of the model's text that fills the hole."""
    is_whole = _is_whole(generated, hole)
    text, newline, _ = generated.text.rpartition("\n")  # half a line is worse than none
    if is_whole or not newline:
        text = generated.text[: hole.find_end(generated.text)]
    return postprocess(text, snapshot, "eos" if is_whole else "lines" if newline else "length")


def _judge(document: Document, hole: ActionHole, filled: Filled) -> Fill:
    """Return the fill as far as it parses, with the warnings against it."""
    cleaned, is_whole = filled.candidates[0], _is_whole(filled.greedy, hole)
    if not cleaned.text:
        return Fill("", reason(cleaned.outcome, cleaned.detail))
    text = cleaned.text.rstrip()
    if not is_whole:
        text = _while_it_parses(document, hole, text)
    if not text or text == document.text[hole.start : hole.end].strip():
        return Fill("", reason(Outcome.REPETITION))
    warnings = []
    if filled.has_low_confidence:
        warnings.append(reason(Outcome.LOW_CONFIDENCE))
    if not is_whole:
        warnings.append(f"it was cut after {hole.max_tokens} tokens")
    new_text = hole.replacement(text)
    if breaks_syntax(document, _with(document, hole, new_text)):
        warnings.append("it does not parse")
    return Fill(new_text, ", ".join(warnings), text)


def _while_it_parses(document: Document, hole: ActionHole, text: str) -> str:
    """Drop last lines of a text that was cut until the document parses; return "" when no line is left."""
    while text and breaks_syntax(document, _with(document, hole, hole.replacement(text))):
        text = text.rpartition("\n")[0].rstrip()
    return text


def _with(document: Document, hole: ActionHole, new_text: str) -> Document:
    return replace(document, text=document.text[: hole.start] + new_text + document.text[hole.end :])
