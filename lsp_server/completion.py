"""textDocument/inlineCompletion: one keystroke."""

import logging

from lsprotocol import types

from context.snapshot import Snapshot
from inference.request import Trace
from lsp_server.generate import generate
from lsp_server.postprocess import postprocess
from lsp_server.record import Record
from lsp_server.server import MidspanServer
from lsp_server.session import Session
from lsp_server.triggers import Ask, Refrain, decide
from midspan import CapacityError, MidspanError, ModelError

ACCEPTED = "midspan.accepted"
# Of 200 fills of single lines by the built-in model, those below were 54% of all and none of them was right.
_MIN_CONFIDENCE = 0.5

_log = logging.getLogger(__name__)


def register(server: MidspanServer) -> None:
    """Adds the feature to a server."""

    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
    async def inline_completion(
        params: types.InlineCompletionParams,
    ) -> types.InlineCompletionList | None:
        return await complete(server, params)


async def complete(server: MidspanServer, params: types.InlineCompletionParams) -> types.InlineCompletionList | None:
    """The item to show at the cursor, if any.

    An empty list says that nothing is to be shown there. None, for a request that a newer one superseded, says
    nothing: Neovim then leaves the grey text that it has until the newer one is answered.
    """
    session = server.session
    uri, position = params.text_document.uri, params.position
    explicit = params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked
    record = Record("completion", uri.rpartition("/")[2], (position.line, position.character), explicit)
    try:
        session.requests.end(uri)
        server.follow_settings()
        snapshot = session.snapshot(uri, position)
        record.is_about(snapshot.document)
        if (why_off := session.why_off_at(snapshot)) is not None:
            record.outcome = f"nothing asked, {why_off}"
            return _nothing(session, uri)
        asked = decide(snapshot, explicit)
        if isinstance(asked, Refrain):
            record.outcome = f"nothing asked, {asked.reason}"
            return _nothing(session, uri)
        text = session.predictions[uri].rest_at(snapshot, asked.max_lines)
        if text:
            record.shows(len(text), ", already predicted")
            return _item(session, uri, snapshot, position, text, record)
        answer = await session.requests.run(uri, predict(session, uri, snapshot, asked, record, explicit))
        if answer is None:
            record.outcome = "superseded"
            return None
        if not answer:
            return _nothing(session, uri)
        session.predictions[uri].remember(snapshot, answer, asked.max_lines)
        record.shows(len(answer))
        return _item(session, uri, snapshot, position, answer, record)
    except MidspanError as error:
        record.outcome = f"nothing shown: {error}"
        if isinstance(error, ModelError | CapacityError):
            server.report_model(error)
        return _nothing(session, uri)
    finally:
        _log.info("%s", record.line())
        session.note(record)


async def predict(session: Session, uri: str, snapshot: Snapshot, asked: Ask, record: Record, explicit: bool) -> str:
    """The engine's answer, cleaned; "" when it is not worth showing. An `explicit` request is shown a guess too."""
    engine = session.engine
    record.model = engine.info.name
    record.packed, request = await session.build_request(engine, uri, snapshot, asked.max_lines)
    record.mark("pack")
    generated = await generate(engine, request)
    record.mark("engine")
    record.trace = generated.trace
    if generated.trace is not None:
        session.budget.learn(generated.trace)
    cleaned = postprocess(generated.text, snapshot, generated.finish_reason)
    if not cleaned.text:
        record.outcome = f"nothing shown: {cleaned.why_nothing}"
    elif not explicit and generated.trace is not None and is_a_guess(generated.trace):
        record.outcome = "nothing shown: the model only guesses"
        return ""
    return cleaned.text


def is_a_guess(trace: Trace) -> bool:
    """Whether the model itself thought little of what it wrote. Unknown for a model on a server, which is trusted."""
    return trace.confidence is not None and trace.confidence < _MIN_CONFIDENCE


def _item(
    session: Session, uri: str, snapshot: Snapshot, position: types.Position, text: str, record: Record
) -> types.InlineCompletionList:
    """Grey text right at the cursor: what stands around it stays."""
    cursor, now = snapshot.cursor, session.documents.document(uri).text
    (number,) = session.shown.add(uri, snapshot.document, cursor, cursor, [text], record.elapsed_ms, now)
    command = types.Command("Record that the completion was accepted", ACCEPTED, arguments=[number])
    item = types.InlineCompletionItem(
        insert_text=text, filter_text=text, range=types.Range(position, position), command=command
    )
    return types.InlineCompletionList([item])


def _nothing(session: Session, uri: str) -> types.InlineCompletionList:
    session.shown.end(uri)
    return types.InlineCompletionList([])
