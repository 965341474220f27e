"""textDocument/inlineCompletion: one keystroke."""

from dataclasses import dataclass
from functools import partial

from lsprotocol import types

from lsp_server.completion.completion_feature import CompletionFeature
from lsp_server.completion.document_completion import DocumentCompletion
from lsp_server.completion.ghost_text.insertion import Insertion, insertion_at
from lsp_server.completion.pipeline import Filled
from lsp_server.completion.triggers import Skip, Trigger
from lsp_server.telemetry.outcome import Outcome
from lsp_server.telemetry.record import Record
from midspan import CapacityError, ExcludedError, MidspanError, ModelError

ACCEPTED = "midspan.accepted"


def register(feature: CompletionFeature) -> None:
    """Add the request to the server."""

    @feature.server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
    async def inline_completion(
        params: types.InlineCompletionParams,
    ) -> types.InlineCompletionList | None:
        return await complete(feature, params)


@dataclass(frozen=True)
class _Keystroke:
    """The editor's request with its place, its trigger and its record."""

    uri: str
    document: DocumentCompletion
    insertion: Insertion
    trigger: Trigger
    record: Record


async def complete(
    feature: CompletionFeature, params: types.InlineCompletionParams
) -> types.InlineCompletionList | None:
    """Return the items to show at the cursor.

    An empty list says that nothing is to be shown there. None, for a request that a newer one superseded, says
    nothing: Neovim then leaves the ghost text that it has until the newer one is answered.
    """
    uri, position = params.text_document.uri, params.position
    explicit = params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked
    record = Record("completion", uri.rpartition("/")[2], (position.line, position.character), explicit)
    with feature.session.recorded(record):
        try:
            keystroke = _decide(feature, params, record)
            items = None if keystroke is None else await _items(feature, keystroke)
            if keystroke is not None and record.outcome is not Outcome.SUPERSEDED:
                feature.compute_suffix(uri, keystroke.insertion.snapshot)
        except ExcludedError as error:
            record.ends(Outcome.EXCLUDED, error.why)
            items = None
        except MidspanError as error:
            record.ends(Outcome.FAILED, str(error))
            if isinstance(error, ModelError | CapacityError):
                feature.model.report(error)
            items = None
        if items is None and record.outcome is Outcome.SUPERSEDED:
            return None
        if items is None:
            feature.clear(uri)
        return items or types.InlineCompletionList([])


def _decide(feature: CompletionFeature, params: types.InlineCompletionParams, record: Record) -> _Keystroke | None:
    """Take a snapshot, and decide what to ask for; None when nothing is asked. Raises DocumentError."""
    session, uri = feature.session, params.text_document.uri
    feature.supersede(uri)
    feature.server.follow_settings()
    snapshot = session.snapshot(uri, params.position)
    insertion = insertion_at(snapshot, params.context.selected_completion_info, session.encoding)
    record.is_about(insertion.document)
    trigger = feature.decide(uri, insertion.snapshot, explicit=record.explicit)
    if isinstance(trigger, Skip):
        feature.document(uri).end_fill()
        record.ends(trigger.outcome, trigger.detail)
        return None
    return _Keystroke(uri, feature.document(uri), insertion, trigger, record)


async def _items(feature: CompletionFeature, keystroke: _Keystroke) -> types.InlineCompletionList | None:
    """Return the items to show; None when there are none, and then the record says why. Raises MidspanError."""
    document, snapshot, record = keystroke.document, keystroke.insertion.snapshot, keystroke.record
    max_lines = keystroke.trigger.max_lines
    rest = document.predictions.rest_at(snapshot, max_lines)
    if rest and not record.explicit:
        record.source = "prediction"
        return _display(feature, keystroke, [rest])
    filled = await document.request.run(_fill(feature, keystroke))
    if filled is None:
        why_off = feature.why_off_at(snapshot)  # the user may have switched it off meanwhile
        record.ends(*(Outcome.SUPERSEDED, "") if why_off is None else (Outcome.SWITCHED_OFF, why_off))
        return None
    document.exact_suffix.learn(filled.greedy.trace)
    texts = filled.texts if record.explicit else [filled.unasked] if filled.unasked else []
    if not filled.texts:
        record.ends(filled.candidates[0].outcome, filled.candidates[0].detail)
        return None
    if not texts:
        record.ends(Outcome.LOW_CONFIDENCE)
        return None
    if not record.explicit and document.was_refused(texts[0]):
        record.ends(Outcome.REFUSED)
        return None
    for text in reversed(texts):  # the rest of each is known if it is accepted in part; the newest counts first
        document.predictions.remember(snapshot, text, max_lines)
    return _display(feature, keystroke, texts)


async def _fill(feature: CompletionFeature, keystroke: _Keystroke) -> Filled:
    """Return what was computed ahead for this place, or else have the engine fill it."""
    uri, snapshot, record = keystroke.uri, keystroke.insertion.snapshot, keystroke.record
    ahead = keystroke.document.ahead
    if ahead is not None and not record.explicit:
        found = await ahead.found_at(snapshot, keystroke.trigger.max_lines)
        if found is not None:
            record.source = "look_ahead"
            return found
    if record.explicit:
        keystroke.document.end_fill()
        return await feature.fill(uri, snapshot, keystroke.trigger, record)
    running = keystroke.document.fill_at(snapshot, keystroke.trigger.max_lines)
    if running is not None:
        found = await running.filled_at(snapshot)
        if found is not None:
            record.source, record.model = "earlier_key", feature.model.engine().info.name
            record.trace, record.ended = found.greedy.trace, found.greedy.finish_reason
            record.text_tokens, record.kept_tokens = len(found.greedy.pieces), found.shown_tokens
            record.mark("engine")
            return found
    fill = partial(feature.fill, uri, snapshot, keystroke.trigger, record)
    return await keystroke.document.begin_fill(snapshot, keystroke.trigger.max_lines, fill).filled()


def _display(feature: CompletionFeature, keystroke: _Keystroke, texts: list[str]) -> types.InlineCompletionList:
    """Show ghost text right at the cursor, or at the entry that is selected in a menu: the text around it stays."""
    uri, insertion, record = keystroke.uri, keystroke.insertion, keystroke.record
    record.shows(len(texts[0]), f"the surest of {len(texts)}" if len(texts) > 1 else "")
    inserted = [insertion.given + text for text in texts]
    now = feature.session.documents.document(uri).text
    numbers = keystroke.document.display(insertion, inserted, record.elapsed_ms, now)
    feature.look_ahead(uri, insertion.snapshot, texts[0], now)
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
