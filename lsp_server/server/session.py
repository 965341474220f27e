"""The session of one editor: its documents, edits, settings and workspaces, and the listeners of their changes."""

import logging
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from context.documents.document import Document
from context.documents.edits import EditRing
from context.documents.snapshot import Snapshot
from inference.api import Engine
from lsp_server.rpc.documents import OpenDocuments, root_of
from lsp_server.rpc.positions import offset_of
from lsp_server.server.engines import EngineKey, Engines, key_of, with_key
from lsp_server.server.prompt_budget import PromptBudget
from lsp_server.server.shared_workspaces import SharedWorkspaces
from lsp_server.server.workspaces import Workspaces
from lsp_server.settings.model_setting import UntrustedModelError
from lsp_server.settings.values import ModelSettings, Settings
from lsp_server.telemetry.display_outcome import DisplayOutcome, NextEditKind
from lsp_server.telemetry.journal import EditorName, Journal
from lsp_server.telemetry.outcome import Outcome
from lsp_server.telemetry.record import Record
from midspan import ExcludedError, MidspanError

_log = logging.getLogger(__name__)


class Session:
    """Knows what the editor said. Features keep their own state and listen here. Lives on the event loop alone."""

    def __init__(self, engines: Engines, workspaces: SharedWorkspaces, journal: Journal) -> None:
        self.settings = Settings()
        self.keys: Mapping[str, str] = os.environ  # of servers, by the names of their variables
        self.untrusted_models: Sequence[UntrustedModelError] = ()  # of workspaces, which the settings do without
        self.encoding = types.PositionEncodingKind.Utf16
        self.roots: tuple[Path, ...] = ()
        self.editor = EditorName()
        self.journal = journal
        self.documents = OpenDocuments()
        self.edits = EditRing()
        self.workspaces = Workspaces(workspaces)
        # One thread: prompts are laid out one after the other, each from the one before.
        self.context_thread = ThreadPoolExecutor(1, "midspan-context")
        # A quick prompt is laid out while that thread may be looking for what other files say.
        self.quick_thread = ThreadPoolExecutor(1, "midspan-quick")
        self.on_change: list[Callable[[str, Document], None]] = []  # a document's URI, and the document as it is now
        self.on_forget: list[Callable[[str], None]] = []  # the URI of a document that is closed, or opened anew
        self.on_settings: list[Callable[[Settings], None]] = []  # the settings before the change
        self.on_close: list[Callable[[], None]] = []
        self._engines = engines
        self._budgets: defaultdict[EngineKey, PromptBudget] = defaultdict(PromptBudget)

    def engine(self, settings: ModelSettings) -> Engine:
        """Return the engine for a section, ready or still loading. Raises ModelError when it is refused at once."""
        return self._engines.engine_for(with_key(settings, self.keys))

    def running_engine(self, settings: ModelSettings) -> Engine | None:
        """Return the engine for a section when it runs. To ask this does not keep it in memory."""
        return self._engines.running().get(self._key_of(settings))

    def budget(self, settings: ModelSettings) -> PromptBudget:
        """Return how long a prompt of this section's engine may be. One engine has one speed."""
        return self._budgets[self._key_of(settings)]

    @property
    def engine_keys(self) -> dict[str, EngineKey]:
        """The engines that this session may ask, by what it asks them for."""
        others = {"chat": self.settings.chat, "next_edit": self.settings.next_edit}
        keys = {name: self._key_of(section) for name, section in others.items() if section.model is not None}
        return {"completion": self._key_of(self.settings.completion)} | keys

    def _key_of(self, settings: ModelSettings) -> EngineKey:
        return key_of(with_key(settings, self.keys))

    def why_untrusted(self, name: str) -> str | None:
        """Say why the model that a workspace gives to this setting is not loaded; None if there is none."""
        return next((str(error) for error in self.untrusted_models if error.name == name), None)

    def change_settings(self, settings: Settings) -> None:
        """Let these settings hold from here on."""
        before, self.settings = self.settings, settings
        for listener in self.on_settings:
            listener(before)

    def change_roots(self, roots: tuple[Path, ...]) -> None:
        """Let these be the roots. A document that has another path from them is as one that is opened anew."""
        self.roots = roots
        for uri, path in self.documents.follow_roots(roots):
            self.edits.forget(path, self.documents.openings_at(path))
            for listener in self.on_forget:
                listener(uri)

    def snapshot(self, uri: str, position: types.Position) -> Snapshot:
        """Return what the user sees now. Raises DocumentError when there is no such place to complete at."""
        document = self.documents.document(uri)
        self.documents.touch(uri)
        return Snapshot(document, offset_of(document, position, self.encoding), self.others(uri))

    def others(self, uri: str) -> tuple[Document, ...]:
        """Return the other buffers that may stand in a prompt by the rules on names.

        Another root has rules of its own. The rules on contents are asked where prompts are laid out.
        """
        root, found = root_of(uri, self.roots), []
        for other, text in self.documents.others(uri):
            workspace = self.workspaces.of(other).workspace
            if (workspace is None or workspace.may_name(text.path)) and not self.is_namesake(other, text.path, root):
                found.append(text)
        return tuple(found)

    def is_namesake(self, uri: str, path: str, root: Path | None) -> bool:
        """Return whether a buffer of another root has the path of a file of this one, and is not that file."""
        if root is None or len(self.roots) < 2:
            return False
        return root_of(uri, self.roots) not in (None, root) and os.path.lexists(root / path)

    def change(self, uri: str, version: int, changes: Sequence[types.TextDocumentContentChangeEvent]) -> None:
        """Apply the editor's changes, and note them among the recent edits. Raises DocumentError."""
        before = self.documents.document_or_none(uri)
        self.documents.change(uri, version, changes, self.encoding)
        after = self.documents.document_or_none(uri)
        if before is not None and after is not None:
            self.edits.note(before, after, time.monotonic())
        if after is not None:
            for listener in self.on_change:
                listener(uri, after)

    def forget(self, uri: str) -> None:
        """Forget a document: it is closed, or will be opened anew."""
        for listener in self.on_forget:
            listener(uri)
        self.documents.close(uri)

    @contextmanager
    def recorded(self, record: Record) -> Iterator[Record]:
        """Record a request from its beginning to its end: one line of the log, one trace."""
        try:
            yield record
        except ExcludedError as error:
            record.ends(Outcome.EXCLUDED, error.why)
            raise
        except (MidspanError, JsonRpcException) as error:
            record.ends(Outcome.FAILED, str(error.message if isinstance(error, JsonRpcException) else error))
            raise
        finally:
            _log.info("%s", record.line())
            self.journal.note(record, self.editor, is_counted=self.settings.stats)

    def note_outcome(self, outcome: DisplayOutcome) -> None:
        """Count what became of a ghost text, where the user lets it be counted."""
        if self.settings.stats:
            self.journal.note_outcome(outcome, self.editor)

    def note_next_edit(self, kind: NextEditKind, language: str) -> None:
        """Count what became of a next edit, where the user lets it be counted."""
        if self.settings.stats:
            self.journal.note_next_edit(kind, language, self.editor)

    def close(self) -> None:
        """End what goes on for this connection."""
        for listener in self.on_close:
            listener()
        self.documents.close_all()
        self.workspaces.close()
        self.roots = ()
        for threads in (self.context_thread, self.quick_thread):
            threads.shutdown(wait=False, cancel_futures=True)
