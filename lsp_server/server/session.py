"""What is known about one editor's connection."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from context.documents.document import Document
from context.documents.edits import EditRing
from context.documents.snapshot import Snapshot
from context.prompt.pack import Pack
from context.related.collect import judge
from context.syntax.comments import is_in_comment
from inference.api import ContextFile, Engine, Request
from lsp_server.chat.chat_request import chat_section
from lsp_server.chat.repository_files import repository_files
from lsp_server.completion.build_request import Known, build_request
from lsp_server.completion.displayed_completions import DisplayedCompletions
from lsp_server.completion.look_ahead import LookAhead
from lsp_server.completion.newest_only import NewestOnly
from lsp_server.completion.predictions import Predictions
from lsp_server.rpc.documents import OpenDocuments
from lsp_server.rpc.positions import offset_of
from lsp_server.server.engines import EngineKey, Engines, key_of
from lsp_server.server.prompt_budget import PromptBudget
from lsp_server.server.shared_workspaces import SharedWorkspaces
from lsp_server.server.workspaces import Workspaces
from lsp_server.settings.switches import Switches
from lsp_server.settings.values import Settings
from lsp_server.telemetry.display_outcome import DisplayOutcome
from lsp_server.telemetry.journal import EditorName, Journal
from lsp_server.telemetry.record import Record
from midspan import DocumentError, MidspanError, ModelError

_log = logging.getLogger(__name__)


class Session:
    """Lives on the event loop alone."""

    def __init__(
        self,
        engines: Engines,
        workspaces: SharedWorkspaces,
        journal: Journal,
        notice: "Callable[[Engine], None]",
    ) -> None:
        """`notice` is told of the engine each time that it is asked for."""
        self.settings = Settings()
        self.switches = Switches()
        self.encoding = types.PositionEncodingKind.Utf16
        self.roots: tuple[Path, ...] = ()
        self.editor = EditorName()
        self.journal = journal
        self.documents = OpenDocuments()
        self.on_close: list[Callable[[], None]] = []
        self.predictions: defaultdict[str, Predictions] = defaultdict(Predictions)
        self.requests = NewestOnly()
        self.look_ahead = LookAhead(self)
        self.shown = DisplayedCompletions()
        self.shown.on_outcome = self._note_outcome
        self.workspaces = Workspaces(workspaces)
        self.edits = EditRing()
        self.budget = PromptBudget()
        self._chat_budget = PromptBudget()
        # One: prompts are laid out one after the other, each from the one before.
        self._context_thread = ThreadPoolExecutor(1, "midspan-context")
        self._engines = engines
        self._notice = notice

    def start_engine(self) -> Engine:
        """The engine, ready or still loading. Raises ModelError when the model is refused at once."""
        engine = self._engines.engine_for(self.settings.completion)
        self._notice(engine)
        return engine

    @property
    def engine(self) -> Engine:
        """The engine as `Engines.engine_for` gives it. Raises ModelError when it cannot be used."""
        engine = self.start_engine()
        if engine.ready.done() and (error := engine.ready.exception()) is not None:
            raise ModelError(str(error))
        return engine

    def start_chat_engine(self) -> Engine:
        """Chat's engine, ready or still loading. Raises ModelError when there is none, or it is refused at once."""
        return self._engines.engine_for(chat_section(self.settings))

    @property
    def running_engine(self) -> Engine | None:
        """The engine when it runs; to ask this does not keep it in memory."""
        return self._engines.running().get(key_of(self.settings.completion))

    @property
    def running_chat_engine(self) -> Engine | None:
        """Chat's engine when it runs; to ask this does not keep it in memory."""
        return self._engines.running().get(key_of(self.settings.chat))

    @property
    def chat_budget(self) -> PromptBudget:
        """What of the repository chat's engine reads in a while. One engine has one speed."""
        is_shared = key_of(self.settings.chat) == key_of(self.settings.completion)
        return self.budget if is_shared else self._chat_budget

    @property
    def engine_keys(self) -> dict[str, EngineKey]:
        """The engines that this session may ask, by what it asks them for."""
        completion, chat = self.settings.completion, self.settings.chat
        return {"completion": key_of(completion)} | ({"chat": key_of(chat)} if chat.model is not None else {})

    def why_off(self, uri: str | None = None) -> str | None:
        """Why nothing is completed in this document or, without a URI, in any; None when something may be."""
        if uri is None:
            return self.switches.why_off(self.settings.completion)
        try:
            document = self.documents.document(uri)
        except DocumentError as error:
            return str(error).rstrip(".")
        if (reason := self.switches.why_off_in(document, self.settings.completion)) is not None:
            return reason
        verdict = judge(document, self.workspaces.of(uri).workspace)
        return None if verdict.included else f"{document.path} is in no prompt, {verdict.why}"

    def why_off_at(self, snapshot: Snapshot) -> str | None:
        """Why the user wants nothing completed at this place; None when something may be."""
        settings = self.settings.completion
        reason = self.switches.why_off_in(snapshot.document, settings)
        if reason is None and not settings.in_comments and is_in_comment(snapshot):
            return "the setting 'completion.in_comments' is false"
        return reason

    def snapshot(self, uri: str, position: types.Position) -> Snapshot:
        """What the user sees now. Raises DocumentError when there is no such place to complete at."""
        document = self.documents.document(uri)
        self.documents.touch(uri)
        return Snapshot(document, offset_of(document, position, self.encoding), self._others(uri))

    def _others(self, uri: str) -> tuple[Document, ...]:
        """The other buffers that may stand in a prompt. Another root has rules of its own; those by content are asked
        where prompts are laid out.
        """
        others = ((self.workspaces.of(other).workspace, text) for other, text in self.documents.others(uri))
        return tuple(text for workspace, text in others if workspace is None or workspace.may_name(text.path))

    async def build_request(
        self, engine: Engine, uri: str, snapshot: Snapshot, max_lines: int | None, max_tokens: int | None = None
    ) -> tuple[Pack, Request]:
        """`fill.build_request` with all that the session knows, on a thread of its own: typing does not wait for it.

        `max_tokens` is in place of the setting, which is about completions.
        """
        around = self.workspaces.of(uri)
        known = Known(around.workspace, self.edits.recent(), around.placement, self.budget.tokens)
        settings = self.settings.completion
        if max_tokens is not None:
            settings = replace(settings, max_tokens=max_tokens)
        arguments = (engine, snapshot, max_lines, settings, known)
        return await asyncio.get_running_loop().run_in_executor(self._context_thread, build_request, *arguments)

    async def chat_files(self, engine: Engine, uri: str, referred: frozenset[str]) -> tuple[ContextFile, ...]:
        """What chat's engine is told of the repository around a document. `referred` are paths it is told anyway."""
        around = self.workspaces.of(uri)
        document = self.documents.document_or_none(uri) if uri in self.documents else None
        known = Known(around.workspace, self.edits.recent(), around.placement, self.chat_budget.tokens)
        arguments = (engine, document, self._others(uri), known, referred)
        return await asyncio.get_running_loop().run_in_executor(self._context_thread, repository_files, *arguments)

    def change(self, uri: str, version: int, changes: Sequence[types.TextDocumentContentChangeEvent]) -> None:
        """Applies what the editor says, and notes it among the recent edits. Raises DocumentError."""
        before = self.documents.document_or_none(uri)
        self.documents.change(uri, version, changes, self.encoding)
        after = self.documents.document_or_none(uri)
        if before is not None and after is not None:
            self.edits.note(before, after, time.monotonic())
        if after is not None:
            self.shown.follow(uri, after.text)
            self.look_ahead.follow(uri, after.text)

    @contextmanager
    def recorded(self, record: Record) -> Iterator[Record]:
        """A request, from its beginning to its end: one line of the log, one trace."""
        try:
            yield record
        except (MidspanError, JsonRpcException) as error:
            record.outcome = f"failed: {error.message if isinstance(error, JsonRpcException) else error}"
            raise
        finally:
            _log.info("%s", record.line())
            self.note(record)

    def note(self, record: Record) -> None:
        """A request has ended."""
        self.journal.note(record, self.editor, is_counted=self.settings.stats)

    def _note_outcome(self, outcome: DisplayOutcome) -> None:
        if self.settings.stats:
            self.journal.note_outcome(outcome, self.editor)

    def end_completions(self) -> None:
        """Ends what goes on for all documents, because the user wants something else of them now."""
        self.requests.end_all()
        self.look_ahead.end_all()

    def forget(self, uri: str) -> None:
        """Ends what goes on for a document and forgets what is known about it."""
        self.requests.end(uri)
        self.look_ahead.end(uri)
        self.predictions.pop(uri, None)
        self.shown.forget(uri)
        self.documents.close(uri)

    def close(self) -> None:
        """Ends what reads the disk or computes ahead, and settles what is on the screen."""
        self.shown.close()
        self.look_ahead.end_all()
        self.workspaces.close()
        for end in self.on_close:
            end()
        self._context_thread.shutdown(wait=False, cancel_futures=True)
