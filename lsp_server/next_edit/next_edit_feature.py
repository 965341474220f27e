"""Next edits for one connection: when they are found, what is found ahead, and what became of them."""

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

from lsprotocol import types
from pygls import uris

from context.documents.document import Document
from context.index.workspace import Workspace
from context.next_edit.proposal import Diagnostic
from context.related.collect import judge
from lsp_server.completion.completion_feature import CompletionFeature
from lsp_server.next_edit.dismissed_edits import DismissedEdits
from lsp_server.next_edit.edit_state import EditState
from lsp_server.next_edit.edits_ahead import EditsAhead
from lsp_server.next_edit.find_by_model import ModelSource
from lsp_server.next_edit.find_by_rule import find_by_rule
from lsp_server.next_edit.next_edit import NextEdit
from lsp_server.next_edit.offered_edits import OfferedEdit, OfferedEdits
from lsp_server.next_edit.rank_edits import MOST_EDITS, rank
from lsp_server.rpc.documents import root_of
from lsp_server.rpc.latest_task import LatestTask
from lsp_server.rpc.positions import offsets_of
from lsp_server.server.server import MidspanServer
from lsp_server.settings.values import Settings
from lsp_server.telemetry.display_outcome import NextEditKind
from lsp_server.telemetry.outcome import Outcome
from lsp_server.telemetry.record import Record
from midspan import DocumentError

_log = logging.getLogger(__name__)

# A cursor that moves so near to a recent edit is beside it.
_BESIDE_LINES = 5


@dataclass(frozen=True)
class Asked:
    """A request for next edits. `version` is the client's of the document, None if it says none."""

    uri: str
    version: int | None
    position: types.Position
    explicit: bool
    diagnostics: tuple[types.Diagnostic, ...] = ()


class NextEditFeature:
    """Finds next edits for one connection, one request at a time. Lives on the event loop alone."""

    def __init__(self, server: MidspanServer, completion: CompletionFeature) -> None:
        self.server = server
        self.session = server.session
        self.offered = OfferedEdits(self._note)
        self._completion = completion
        # A thread of its own, so that no prompt waits for it.
        self._thread = ThreadPoolExecutor(1, "midspan-next-edit")
        self._model = ModelSource(server, completion, self._thread)
        self._request = LatestTask()
        self._ahead: EditsAhead | None = None
        self._dismissed = DismissedEdits()
        self._changed_at_s = 0.0  # when the user last changed a text; 0 after an acceptance, which waits for no pause
        self._last_answered: object = None
        self.session.on_change.append(self._follow)
        self.session.on_settings.append(self._settings_changed)
        self.session.on_close.append(self._close)

    async def find(self, asked: Asked, record: Record) -> list[OfferedEdit]:
        """Return the next edits, the best first; none when there are none, and then the record says why.

        A newer request, or a change of a text, ends this one. Raises DocumentError.
        """
        self.server.follow_settings()
        found = await self._request.run(self._find(asked, record))
        if found is None:
            record.ends(Outcome.SUPERSEDED)
        return found or []

    def dismiss(self, number: str) -> bool:
        """Note that the user does not want the edit of this number; False if it is unknown."""
        self._end_ahead()
        return self.offered.tell(number, "dismissed")

    async def _find(self, asked: Asked, record: Record) -> list[OfferedEdit]:
        state = self._state(asked)
        document = state.snapshot.document
        record.is_about(document)
        if (reason := self._why_not(asked, state)) is not None:
            record.ends(*reason)
            return []
        if not asked.explicit:
            await asyncio.sleep(self._changed_at_s + self.server.pauses.editing_s - time.monotonic())
            if await self._completion.shows_at(asked.uri, state.snapshot.cursor):
                record.ends(Outcome.GHOST_TEXT)
                return []
        if asked.explicit:
            self._end_ahead()  # which may have looked before the index was complete
        found = await self._found_ahead(state, record)
        if found is None:
            found = await self._search(state, explicit=asked.explicit)
        record.mark("search")
        self._last_answered = asked.uri, document.version, asked.diagnostics
        ranked = rank(found, state, is_unsure_shown=asked.explicit)
        wanted = [edit for edit in ranked if not self._dismissed.has(edit)]
        is_current = await asyncio.get_running_loop().run_in_executor(self._thread, _unchanged_on_disk, wanted, state)
        offered = self._offer(compress(wanted, is_current), state)
        if offered:
            record.shows(len(offered[0].edit.text), offered[0].edit.why)
            self._look_ahead(state.after(offered[0].edit))
        else:
            record.ends(Outcome.LOW_CONFIDENCE if found and not ranked else Outcome.NO_EDIT)
        return offered

    def _offer(self, edits: Iterable[NextEdit], state: EditState) -> list[OfferedEdit]:
        """Give numbers to the first edits whose documents are as the editor has them."""
        offered: list[OfferedEdit] = []
        for edit in edits:
            uri = self._uri_of(edit.document, state.root)
            if uri is None or len(offered) == MOST_EDITS:
                continue
            is_open = uri in self.session.documents
            now = self.session.documents.document_or_none(uri) if is_open else edit.document
            if now is not None and now.text == edit.document.text:
                offered.append(self.offered.offer(edit, uri, now.version if is_open else None))
        return offered

    def _uri_of(self, document: Document, root: Path | None) -> str | None:
        """Return the URI of an open document or, for one that no editor has open, of the file in the root."""
        for uri in self.session.documents.uris_at(document.path):
            if not self.session.is_namesake(uri, document.path, root):
                return uri
        path = Path(root or "", document.path)
        return uris.from_fs_path(str(path)) if path.is_absolute() else None

    def _state(self, asked: Asked) -> EditState:
        session = self.session
        snapshot = session.snapshot(asked.uri, asked.position)
        diagnostics = tuple(_read_diagnostics(asked.diagnostics, snapshot.document, session.encoding))
        workspace, root = session.workspaces.of(asked.uri).workspace, root_of(asked.uri, session.roots)
        return EditState(snapshot, session.edits.recent(), diagnostics, workspace, root)

    def _why_not(self, asked: Asked, state: EditState) -> tuple[Outcome, str] | None:
        """Return the reason why nothing is looked for, None when something is."""
        settings, document = self.session.settings, state.snapshot.document
        when = settings.next_edit.when
        if when == "never" or (when == "by_key" and not asked.explicit):
            return Outcome.EDITS_OFF, f"the setting 'next_edit.when' is {when!r}"
        if not (verdict := judge(document, state.workspace)).included:
            return Outcome.EXCLUDED, verdict.why
        if (why_off := self._completion.switches.why_off_in(document, settings.completion)) is not None:
            return Outcome.SWITCHED_OFF, why_off
        if asked.version is not None and asked.version != document.version:
            return Outcome.OTHER_VERSION, ""
        is_moved = self._last_answered == (
            asked.uri,
            document.version,
            asked.diagnostics,
        )  # the cursor, and nothing else
        if is_moved and not asked.explicit and not _is_beside_edit(state):
            return Outcome.FAR_FROM_EDITS, ""
        return None

    async def _found_ahead(self, state: EditState, record: Record) -> list[NextEdit] | None:
        """Return what was found ahead for this state, None when nothing was looked for there."""
        ahead = self._ahead
        if ahead is None or not ahead.state.has_texts_of(state):
            self._end_ahead()
            return None
        found = await ahead.found()
        if found is not None:
            record.source = "look_ahead"
        return found

    async def _search(self, state: EditState, *, explicit: bool = False) -> list[NextEdit]:
        """Ask the rules and, where they are sure of nothing, a model."""
        found = await asyncio.get_running_loop().run_in_executor(self._thread, find_by_rule, state)
        if any(not self._dismissed.has(edit) for edit in rank(found, state, is_unsure_shown=False)):
            return found
        return found + await self._model.find(state, found, explicit=explicit)

    def _look_ahead(self, state: EditState) -> None:
        """Find what comes after an acceptance of the best edit while the user reads it."""
        self._end_ahead()
        self._ahead = EditsAhead(state, self._search)

    def _follow(self, _uri: str, now: Document) -> None:
        """Take in the new text of a document: an acceptance, or a key, which ends what goes on."""
        self._request.end()
        self._dismissed.follow(now)
        if self._ahead is not None and self._ahead.leads_to(now):
            self._changed_at_s = 0.0
            return
        self._changed_at_s = time.monotonic()
        self._end_ahead()

    def _end_ahead(self) -> None:
        if self._ahead is not None:
            self._ahead.cancel()
            self._ahead = None

    def _settings_changed(self, before: Settings) -> None:
        if before.next_edit != self.session.settings.next_edit:
            self._end()

    def _end(self) -> None:
        self._request.end()
        self._end_ahead()

    def _close(self) -> None:
        self._end()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _note(self, offered: OfferedEdit, kind: NextEditKind) -> None:
        edit = offered.edit
        if kind == "dismissed":
            self._dismissed.add(edit)
            if (now := self._document_at(offered.uri)) is not None:
                self._dismissed.follow(now)
        _log.info("%s: a next edit (%s) was %s", edit.document.path, edit.why, kind)
        self.session.note_next_edit(kind, edit.document.language)

    def _document_at(self, uri: str) -> Document | None:
        documents = self.session.documents
        return documents.document_or_none(uri) if uri in documents else None


def _read_diagnostics(
    diagnostics: Iterable[types.Diagnostic], document: Document, encoding: types.PositionEncodingKind
) -> Iterator[Diagnostic]:
    """Read the diagnostics, but for those of an older text, which are about other places."""
    for found in diagnostics:
        try:
            start, end = offsets_of(document, found.range, encoding)
        except DocumentError:
            continue
        yield Diagnostic(min(start, end), end, found.message, str(found.code or ""), found.source or "")


def _unchanged_on_disk(edits: Sequence[NextEdit], state: EditState) -> list[bool]:
    """Tell of each edit whether its file is as the index has it: the index follows the disk with a delay.

    Documents that are open are compared later, on the event loop.
    """
    opened = {document.path for document in state.documents}
    closed = {edit.document.path for edit in edits} - opened
    texts = {path: _text_on_disk(path, state.workspace) for path in closed}
    return [texts.get(edit.document.path, edit.document.text) == edit.document.text for edit in edits]


def _text_on_disk(path: str, workspace: Workspace | None) -> str | None:
    try:
        return workspace.read(path).text if workspace is not None else None
    except DocumentError:
        return None


def _is_beside_edit(state: EditState) -> bool:
    document = state.snapshot.document
    line = document.position_at(state.snapshot.cursor)[0]
    return any(
        edit.is_of(document)
        and edit.first_line - _BESIDE_LINES <= line <= edit.first_line + len(edit.new_lines) + _BESIDE_LINES
        for edit in state.edits
    )
