"""The next edits that a model writes: one that was trained for them, or any that can fill a hole."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TypeVar, TypeVarTuple

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.packer import ContextPacker
from inference.api import Engine, Request
from inference.edit_window import EditingEngine, EditPrompt
from lsp_server.completion.build_request import PromptSource
from lsp_server.completion.completion_feature import CompletionFeature
from lsp_server.completion.pipeline import FillJob, fill
from lsp_server.next_edit.edit_state import EditState
from lsp_server.next_edit.edit_windows import PlacedWindow, place_window, read_edits
from lsp_server.next_edit.next_edit import NextEdit, Source
from lsp_server.server.generate import generate
from lsp_server.server.server import MidspanServer
from lsp_server.telemetry.record import Record
from midspan import DocumentError, MidspanError

T = TypeVar("T")
P = TypeVarTuple("P")

_MOST_PLACES = 2
_MOST_PLACE_LINES = 3  # that a model fills anew
_WINDOW_GROWS = 2  # a new window may have so many times the tokens of the old one
_FEW_TOKENS = 64


@dataclass(frozen=True)
class _Place:
    """Whole lines of a document, from `first` up to and with `last`, that may have to change."""

    document: Document
    first: int
    last: int


class ModelSource:
    """Asks the model of next edits or, without one, that of completion. Lives on the event loop alone."""

    def __init__(self, server: MidspanServer, completion: CompletionFeature, thread: Executor) -> None:
        """Prompts are built on `thread`."""
        self._server = server
        self._session = server.session
        self._completion = completion
        self._thread = thread

    async def find(self, state: EditState, by_rule: Sequence[NextEdit], *, explicit: bool) -> list[NextEdit]:
        """Return what the model writes; nothing while it loads, for a server's model, or where it fails.

        `by_rule` are edits that no rule is sure of: a model that fills holes writes their places.
        """
        if not explicit and not self._completion.works_ahead:
            return []
        engine = self._engine()
        if engine is None:
            return []
        try:
            if isinstance(engine, EditingEngine) and (lines := engine.edit_window_lines) is not None:
                placed = await self._on_thread(place_window, state, *lines)
                made = await self._on_thread(engine.edit_prompt, placed.window)
                return await self._rewrite(engine, placed, made, explicit=explicit)
            found = [await self._fill(engine, state, place, explicit=explicit) for place in _places(state, by_rule)]
        except MidspanError:
            return []
        return [edit for edit in found if edit is not None]

    def _engine(self) -> Engine | None:
        """Return the engine when it is loaded; begin to load a model that the settings name for next edits."""
        settings = self._session.settings.next_edit
        if settings.model is None:
            return self._completion.idle_engine()
        engine = self._session.engine(settings)
        self._server.follow_load(engine)
        is_usable = engine.info.folder is not None and engine.ready.done() and engine.ready.exception() is None
        return engine if is_usable else None

    async def _on_thread(self, work: Callable[[*P], T], *arguments: *P) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    async def _rewrite(
        self, engine: Engine, placed: PlacedWindow, made: EditPrompt, *, explicit: bool
    ) -> list[NextEdit]:
        """Have a model that was trained for next edits write the window around the cursor."""
        draft = await self._on_thread(engine.draft, "edit", placed.window.current)
        most = _WINDOW_GROWS * len(draft.tokens) + _FEW_TOKENS
        request = Request(made.prompt, most, drafts=(draft,), background=not explicit, is_ahead=not explicit)
        generated = await generate(engine, request)
        output = made.read(generated.text) if generated.finish_reason in ("eos", "fim") else None
        confidence = generated.trace.confidence if generated.trace is not None else None
        if output is None or confidence is None:
            return []
        return read_edits(placed, output, engine.info.name, confidence)

    async def _fill(self, engine: Engine, state: EditState, place: _Place, *, explicit: bool) -> NextEdit | None:
        """Have a model fill the lines of a place, as if they were not there. The lines around stay as they are."""
        document = place.document
        lines = document.lines[place.first : place.last + 1]
        start = document.line_starts[place.first] + len(lines[0]) - len(lines[0].lstrip())
        end = document.line_end(place.last)
        now = document.text[start:end]
        others = tuple(other for other in state.documents if other.path != document.path)
        hole = Snapshot(replace(document, text=document.text[:start] + document.text[end:]), start, others)
        packer = ContextPacker(state.workspace, keeps_placement=False)
        source = PromptSource(packer, state.edits, predicted=(now.replace("\r\n", "\n"),))
        job = FillJob(hole, source, self._session.settings.completion, len(lines), is_ahead=not explicit)
        filled = await fill(engine, job, Record("background"), self._thread)
        confidence = filled.greedy.trace.confidence if filled.greedy.trace is not None else None
        if not filled.texts or confidence is None:
            return None
        text = filled.texts[0].replace("\n", "\r\n") if "\r\n" in document.text else filled.texts[0]
        return NextEdit(document, start, end, text, Source.ANY_MODEL, engine.info.name, confidence)


def _places(state: EditState, by_rule: Sequence[NextEdit]) -> list[_Place]:
    """Return the places that may have to change: those of the rules first, then the nearest diagnostics."""
    document, cursor = state.snapshot.document, state.snapshot.cursor
    diagnostics = sorted(state.diagnostics, key=lambda found: abs(found.start - cursor))
    ranges = [(edit.document, edit.start, edit.end) for edit in by_rule]
    ranges += [(document, found.start, found.end) for found in diagnostics]
    places = []
    for where, start, end in ranges:
        try:
            place = _Place(where, where.position_at(start)[0], where.position_at(end)[0])
        except DocumentError:
            continue
        is_written = where.lines[place.first].strip() != ""
        if is_written and place.last - place.first < _MOST_PLACE_LINES and place not in places:
            places.append(place)
    return places[:_MOST_PLACES]
