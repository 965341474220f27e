"""Inline completion for one connection: its switches, its model, and the state of each document."""

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.related.collect import judge
from context.syntax.comments import is_in_comment
from inference.api import Engine
from lsp_server.completion.build_request import PromptSource
from lsp_server.completion.completion_model import CompletionModel
from lsp_server.completion.confidence.sure_beginning import place_of_cursor
from lsp_server.completion.document_completion import DocumentCompletion
from lsp_server.completion.ghost_text.displayed_completion import DisplayedCompletion
from lsp_server.completion.kept_prompts import KeptPrompts
from lsp_server.completion.look_ahead import LookAhead
from lsp_server.completion.outputs.candidates import generate_one, generate_several, read_prompt
from lsp_server.completion.pipeline import Filled, FillJob, fill
from lsp_server.completion.triggers import Skip, Trigger, decide
from lsp_server.completion.warming import warming_job
from lsp_server.server.server import MidspanServer
from lsp_server.settings.switches import Switches
from lsp_server.settings.values import Settings
from lsp_server.telemetry.outcome import Outcome
from lsp_server.telemetry.record import Record
from midspan import DocumentError, MidspanError

_log = logging.getLogger(__name__)


class CompletionFeature:
    """Owns the state of completion and runs its jobs. Lives on the event loop alone."""

    def __init__(self, server: MidspanServer) -> None:
        self.server = server
        self.session = server.session
        self.switches = Switches()
        self.model = CompletionModel(server)
        self.accepted_items = 0
        self._editor_reports = False  # it has reported an acceptance
        self._documents: dict[str, DocumentCompletion] = {}  # by URI
        self._numbers = itertools.count(1)
        self.session.on_change.append(self._follow)
        self.session.on_forget.append(self._forget)
        self.session.on_settings.append(self._settings_changed)
        self.session.on_close.append(self.end_all)
        server.on_initialize.append(lambda _capabilities: server.after_response(self.model.start))
        server.status.parts.append(self.status)

    def document(self, uri: str) -> DocumentCompletion:
        """Return the state of an open document."""
        if uri not in self._documents:
            self._documents[uri] = DocumentCompletion(self._numbers, self._note_end, lambda: self._editor_reports)
        return self._documents[uri]

    def decide(self, uri: str, snapshot: Snapshot, *, explicit: bool) -> Trigger | Skip:
        """Decide what to ask for. A key does not ask either for what the user has switched off."""
        if (why_off := self.why_off_at(snapshot)) is not None:
            return Skip(Outcome.SWITCHED_OFF, why_off)
        return decide(snapshot, explicit, self.document(uri).accepted_text, self.model.table())

    async def fill(
        self,
        uri: str,
        snapshot: Snapshot,
        trigger: Trigger,
        record: Record,
        on_text: Callable[[str], None] = lambda text: None,
    ) -> Filled:
        """Have the model fill the hole at the cursor; a key is given several candidates. Raises MidspanError.

        `on_text` is told each piece of what the model writes for typing.
        """
        self._end_all_work_ahead()  # the engine is for what a user waits for
        engine = self.model.engine()
        await self._know_speed(engine)
        document, job = self.document(uri), self.job(uri, snapshot, trigger.max_lines)
        if record.explicit:
            job = replace(job, generate=generate_several)
        else:
            least = job.table.least_probability(place_of_cursor(snapshot), job.eagerness)
            generate = partial(generate_one, on_text=on_text, least_probability=least)
            job = replace(job, generate=generate, may_move_suffix=self._may_move_suffix)
        if not record.explicit and self._may_be_quick(engine, document):
            quick_tokens = self.session.budget(job.settings).quick_tokens
            is_quick = document.is_cold and quick_tokens is not None
            job = replace(job, source=replace(job.source, quick_tokens=quick_tokens), is_quick=is_quick)
        thread = self.session.quick_thread if job.is_quick else self.session.context_thread
        filled = await fill(engine, job, record, thread)
        self.model.reported = None  # it answers
        document.predictions.remember_output(snapshot, filled.greedy.text)
        document.is_cold = document.was_quick = filled.is_quick
        if filled.is_quick and self.works_ahead:
            document.warm(self._warm(uri, job))
        if filled.greedy.trace is not None:
            self.session.budget(job.settings).learn(filled.greedy.trace)
        return filled

    @property
    def _may_move_suffix(self) -> bool:
        return self.session.settings.completion.moved_suffix

    async def _know_speed(self, engine: Engine) -> None:
        """Give the engine's speed to the budget; a model that has never run here is tried while it is loaded."""
        if engine.reading_tokens_per_s is None and engine.info.folder is not None:
            await asyncio.get_running_loop().run_in_executor(self.session.quick_thread, engine.describe)
            if engine.reading_tokens_per_s is None:
                await asyncio.wait([asyncio.wrap_future(engine.ready)])
        self.session.budget(self.session.settings.completion).start_from(engine.reading_tokens_per_s)

    def _may_be_quick(self, engine: Engine, document: DocumentCompletion) -> bool:
        """Return whether a quick prompt may answer; with no work ahead, only the first request of a document."""
        is_wanted = self.session.settings.completion.quick_first and engine.info.folder is not None
        return is_wanted and (self.works_ahead or not document.was_quick)

    @property
    def works_ahead(self) -> bool:
        """True while the engine may compute what nobody waits for: not on a battery, unless the user wants that."""
        return self.session.settings.completion.ahead_on_battery or not self.server.battery.is_used

    async def _warm(self, uri: str, answered: FillJob) -> None:
        """Read the whole prompt of a place that was answered from the quick one."""
        engine = self.model.running
        if engine is None:
            return
        if await self._fill_in_background(engine, warming_job(answered)) is not None:
            self.document(uri).is_cold = False

    def job(self, uri: str, snapshot: Snapshot, max_lines: int | None) -> FillJob:
        """Return the job to fill the hole at the cursor with all that the session knows."""
        settings = self.session.settings.completion
        context, edits = self.session.workspaces.of(uri), self.session.edits.recent()
        kept_prompts = KeptPrompts(context.workspace, settings.disk_cache_bytes)
        predicted = self.document(uri).predictions.outputs_at(snapshot)
        prompt_tokens = self.session.budget(settings).tokens
        source = PromptSource(context.packer, edits, prompt_tokens, predicted, kept_prompts)
        return FillJob(snapshot, source, settings, max_lines, table=self.model.table(), eagerness=settings.eagerness)

    def look_ahead(self, uri: str, snapshot: Snapshot, text: str, now: str) -> None:
        """While the user reads the text at the cursor, compute what comes after its acceptance."""
        if self.session.settings.completion.look_ahead and self.works_ahead:
            pause_s = self.server.pauses.reading_s
            ahead = LookAhead(snapshot, text, lambda ahead: self._fill_ahead(uri, ahead), pause_s)
            self.document(uri).look_ahead(ahead, now)

    async def _fill_ahead(self, uri: str, ahead: LookAhead) -> None:
        engine, snapshot = self.idle_engine(), ahead.snapshot
        if engine is None:
            return
        accepted = snapshot.document.text[: snapshot.cursor].replace("\r\n", "\n")
        trigger = decide(snapshot, explicit=False, accepted=accepted)
        if isinstance(trigger, Skip) or self.why_off_at(snapshot) is not None:
            return
        await self.document(uri).warmed()  # what it reads, look-ahead reads too
        ahead.max_lines = trigger.max_lines
        job = replace(self.job(uri, snapshot, trigger.max_lines), may_move_suffix=self._may_move_suffix)
        ahead.filled = await self._fill_in_background(engine, job)
        if ahead.filled is not None:
            self.document(uri).is_cold = False
            self.document(uri).predictions.remember_output(snapshot, ahead.filled.greedy.text)

    def compute_suffix(self, uri: str, snapshot: Snapshot) -> None:
        """Compute a moved suffix exactly as soon as the typist rests at the cursor."""
        compute = partial(self._compute_suffix, uri, snapshot)
        self.document(uri).exact_suffix.start(compute, self.server.pauses.resting_s)

    async def _compute_suffix(self, uri: str, snapshot: Snapshot) -> bool:
        engine = self.idle_engine()
        if engine is None or not self.works_ahead:
            return False
        job = replace(self.job(uri, snapshot, max_lines=1), generate=read_prompt)
        return await self._fill_in_background(engine, job) is not None

    def idle_engine(self) -> Engine | None:
        """Return the engine for what nobody waits for: one in this process that is loaded.

        A server's costs somebody's money.
        """
        engine = self.model.running
        if engine is None or engine.info.folder is None or not engine.ready.done() or engine.ready.exception():
            return None
        return engine

    async def _fill_in_background(self, engine: Engine, job: FillJob) -> Filled | None:
        """Fill a hole that nobody waits for. None: it failed, and a request at that place meets the error again."""
        job = replace(job, is_ahead=True, may_submit=lambda: self.model.running is engine)
        try:
            filled = await fill(engine, job, Record("background"), self.session.context_thread)
        except MidspanError:
            return None
        is_closed = filled.greedy.trace is None or filled.greedy.finish_reason == "cancelled"
        return None if is_closed else filled

    def accept(self, number: int, characters: int | None = None) -> bool:
        """Note that the editor inserted the item of this number, or so many characters of it; False if unknown."""
        self._editor_reports = True
        return any(document.accept(number, characters) for document in self._documents.values())

    def clear(self, uri: str) -> None:
        """Note that nothing is on the screen in this document any more."""
        if uri in self._documents:
            self._documents[uri].clear()

    async def shows_at(self, uri: str, cursor: int) -> bool:
        """Wait until no request runs in this document, and return whether a ghost text is shown at the offset."""
        if (document := self._documents.get(uri)) is None:
            return False
        await document.request.rested()
        return document.shows_at(cursor)

    def supersede(self, uri: str) -> None:
        """End the running request of this document."""
        if uri in self._documents:
            self._documents[uri].supersede()

    def end_all(self) -> None:
        """End all that goes on in all documents."""
        for document in self._documents.values():
            document.end()

    def why_off(self, uri: str | None = None) -> str | None:
        """Say why nothing is completed in this document or, without a URI, in any; None when completion is on."""
        settings = self.session.settings.completion
        if uri is None:
            return self.switches.why_off(settings)
        try:
            document = self.session.documents.document(uri)
        except DocumentError as error:
            return str(error).rstrip(".")
        if (reason := self.switches.why_off_in(document, settings)) is not None:
            return reason
        verdict = judge(document, self.session.workspaces.of(uri).workspace)
        return None if verdict.included else f"{document.path} is in no prompt, {verdict.why}"

    def why_off_at(self, snapshot: Snapshot) -> str | None:
        """Say why the user wants nothing completed at this place; None when completion is on."""
        settings = self.session.settings.completion
        reason = self.switches.why_off_in(snapshot.document, settings)
        if reason is None and not settings.in_comments and is_in_comment(snapshot):
            return "the setting 'completion.in_comments' is false"
        return reason

    def status(self, uri: str | None) -> dict[str, Any]:
        """Return completion's part of the status, in a document or, without a URI, in all."""
        state = self.model.status()
        if (why_off := self.why_off(uri)) is not None:
            state |= {"state": "off", "reason": f"Nothing is completed{' here' if uri else ''}: {why_off}."}
        elif uri is not None and state["state"] == "ready":
            language = self.session.documents.document(uri).language
            if not self.model.writes(language):
                state |= {"reason": f"The model has not learned {language}: here only a key asks. Name another model."}
        counts = {
            "running_requests": sum(document.is_running for document in self._documents.values()),
            "accepted_items": self.accepted_items,
        }
        return {"completion": state, **counts, **self.model.engine_status()}

    def _follow(self, uri: str, now: Document) -> None:
        if uri in self._documents:
            self._documents[uri].follow(now.text)
        for other in self._documents.keys() - {uri}:
            self._documents[other].forget_computed()

    def _forget(self, uri: str) -> None:
        if (document := self._documents.pop(uri, None)) is not None:
            document.end()

    def _settings_changed(self, before: Settings) -> None:
        now = self.session.settings.completion
        if before.completion != now:
            if before.completion.model != now.model:
                self.model.reported = None  # the error of the model before
            self.switches.settings_changed(before.completion, now)
            self._end_requests()

    def set_switch(self, enabled: bool, language: str | None) -> None:
        """Switch completion on or off for this session, in one language or in all."""
        self.switches.turn(enabled, language)
        self._end_requests()

    def _end_requests(self) -> None:
        """End what is computed: the user wants something else now. What is displayed may stay."""
        for document in self._documents.values():
            document.begin_anew()
        self._end_all_work_ahead()

    def _end_all_work_ahead(self) -> None:
        for document in self._documents.values():
            document.end_work_ahead()

    def _note_end(self, displayed: DisplayedCompletion) -> None:
        outcome = displayed.outcome()
        self.accepted_items += outcome.kind == "accepted"
        path = displayed.insertion.document.path
        _log.info("%s: %s, %d characters after %.1f s", path, outcome.kind, outcome.characters, outcome.shown_for_s)
        self.session.note_outcome(outcome)
