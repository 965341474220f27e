"""textDocument/inlineCompletion: one keystroke."""

import logging

from lsprotocol import types

from context.documents.snapshot import Snapshot
from lsp_server.completion.candidates import distinct, generate_one, generate_several
from lsp_server.completion.confidence import LOW_CONFIDENCE, has_low_confidence
from lsp_server.completion.insertion import Insertion, insertion_at
from lsp_server.completion.triggers import Skip, Trigger, decide
from lsp_server.server.server import MidspanServer
from lsp_server.server.session import Session
from lsp_server.telemetry.record import Record
from midspan import CapacityError, MidspanError, ModelError

ACCEPTED = "midspan.accepted"

_log = logging.getLogger(__name__)


def register(server: MidspanServer) -> None:
    """Adds the feature to a server."""

    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
    async def inline_completion(
        params: types.InlineCompletionParams,
    ) -> types.InlineCompletionList | None:
        return await complete(server, params)


async def complete(server: MidspanServer, params: types.InlineCompletionParams) -> types.InlineCompletionList | None:
    """The items to show at the cursor, if any.

    An empty list says that nothing is to be shown there. None, for a request that a newer one superseded, says
    nothing: Neovim then leaves the ghost text that it has until the newer one is answered.
    """
    session = server.session
    uri, position = params.text_document.uri, params.position
    explicit = params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked
    record = Record("completion", uri.rpartition("/")[2], (position.line, position.character), explicit)
    try:
        session.requests.end(uri)
        server.follow_settings()
        selected = params.context.selected_completion_info
        insertion = insertion_at(session.snapshot(uri, position), selected, session.encoding)
        record.is_about(insertion.document)
        asked = _decide(session, uri, insertion.snapshot, explicit)
        if isinstance(asked, Skip):
            record.outcome = f"nothing asked, {asked.reason}"
            return _nothing(session, uri)
        predictions = session.predictions[uri]
        rest = predictions.rest_at(insertion.snapshot, asked.max_lines)
        if rest and not explicit:
            record.shows(len(rest), ", already predicted")
            return _items(session, uri, insertion, [rest], record)
        answer = await session.requests.run(uri, _answer(session, uri, insertion.snapshot, asked, record, explicit))
        if answer is None:
            why_off = session.why_off_at(insertion.snapshot)  # meanwhile
            record.outcome = f"nothing shown: {why_off}" if why_off else "superseded"
            return _nothing(session, uri) if why_off else None
        texts, how = answer
        if not texts:
            return _nothing(session, uri)
        for text in reversed(texts):  # whichever is accepted in part, its rest is known; the newest counts first
            predictions.remember(insertion.snapshot, text, asked.max_lines)
        record.shows(len(texts[0]), how)
        return _items(session, uri, insertion, texts, record)
    except MidspanError as error:
        record.outcome = f"nothing shown: {error}"
        if isinstance(error, ModelError | CapacityError):
            server.report_model(error)
        return _nothing(session, uri)
    finally:
        _log.info("%s", record.line())
        session.note(record)


def _decide(session: Session, uri: str, snapshot: Snapshot, explicit: bool) -> Trigger | Skip:
    """What the user has switched off is off for a key too."""
    if (why_off := session.why_off_at(snapshot)) is not None:
        return Skip(why_off)
    return decide(snapshot, explicit, session.shown.accepted_in(uri))


async def _answer(
    session: Session, uri: str, snapshot: Snapshot, asked: Trigger, record: Record, explicit: bool
) -> tuple[list[str], str]:
    """The texts, and how they came about. None was predicted; what comes may have been computed ahead."""
    found = None if explicit else await session.look_ahead.found_at(uri, snapshot, asked.max_lines)
    if found is not None:
        record.outcome = f"nothing shown: {found.why_nothing}, computed ahead"
        return [found.text] if found.text else [], ", computed ahead"
    session.look_ahead.end_all()  # the engine is asked for what somebody waits for
    texts = await predict(session, uri, snapshot, asked, record, explicit)
    return texts, f", the surest of {len(texts)}" if len(texts) > 1 else ""


async def predict(
    session: Session, uri: str, snapshot: Snapshot, asked: Trigger, record: Record, explicit: bool
) -> list[str]:
    """The engine's texts, cleaned, the surest first; none when none is worth showing.

    An `explicit` request is given several, guesses among them.
    """
    engine = session.engine
    record.model = engine.info.name
    record.packed, request = await session.build_request(engine, uri, snapshot, asked.max_lines)
    record.mark("pack")
    generated = await (generate_several if explicit else generate_one)(engine, request, snapshot)
    record.mark("engine")
    greedy = generated[0]
    record.trace, record.ended = greedy.trace, greedy.finish_reason
    if greedy.trace is not None:
        session.budget.learn(greedy.trace)
    candidates = distinct(generated, snapshot)
    record.mark("post")
    if not candidates[0].text:
        record.outcome = f"nothing shown: {candidates[0].why_nothing}"
        return []
    if not explicit and greedy.trace is not None and has_low_confidence(greedy.trace):
        record.outcome = f"nothing shown: {LOW_CONFIDENCE}"
        return []
    return [candidate.text for candidate in candidates]


def _items(
    session: Session, uri: str, insertion: Insertion, texts: list[str], record: Record
) -> types.InlineCompletionList:
    """Ghost text right at the cursor, or at what is selected in a menu: what stands around it stays."""
    inserted = [insertion.given + text for text in texts]
    now = session.documents.document(uri).text
    numbers = session.shown.add(uri, insertion, inserted, record.elapsed_ms, now)
    session.look_ahead.start(uri, insertion.snapshot, texts[0])
    if now != insertion.document.text:
        session.look_ahead.follow(uri, now)
    return types.InlineCompletionList(
        [
            types.InlineCompletionItem(
                insert_text=text,
                filter_text=insertion.filter_text(text),
                range=insertion.range,
                command=types.Command("Record that the completion was accepted", ACCEPTED, arguments=[number]),
            )
            for text, number in zip(inserted, numbers, strict=True)
        ]
    )


def _nothing(session: Session, uri: str) -> types.InlineCompletionList:
    session.shown.end(uri)
    session.look_ahead.end(uri)
    return types.InlineCompletionList([])
