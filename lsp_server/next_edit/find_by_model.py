"""The next edits that a model writes: one that was trained for them, or any that runs in this process."""

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import TypeVar, TypeVarTuple

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from inference.api import Engine, Request
from inference.edit_window import EditingEngine, EditPrompt
from lsp_server.completion.completion_feature import CompletionFeature
from lsp_server.next_edit.edit_state import EditState
from lsp_server.next_edit.edit_windows import PlacedWindow, place_window, read_edits
from lsp_server.next_edit.find_by_rule import find_likely_places
from lsp_server.next_edit.next_edit import NextEdit, Source
from lsp_server.server.generate import generate
from lsp_server.server.server import MidspanServer
from midspan import MidspanError

T = TypeVar("T")
P = TypeVarTuple("P")

_MOST_PLACES = 2
_LINES_AROUND = 3  # of a place, which an untrained model writes with it
_WINDOW_GROWS = 2  # a new window may have so many times the tokens of the old one
_FEW_TOKENS = 64
_WORD = re.compile(r"\w+")


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

        `by_rule` are edits that no rule is sure of. A model that was not trained for next edits is asked only when the
        user asks (`explicit`). It writes their places or, without any, those that look as a changed one did, and those
        of diagnostics; of what it writes, only what goes on with the user's changes is taken.
        """
        engine = self._engine() if explicit or self._completion.works_ahead else None
        if engine is None:
            return []
        try:
            if not isinstance(engine, EditingEngine):
                return []
            if (lines := engine.edit_window_lines) is not None:
                return await self._rewrite(engine, engine.edit_prompt, state, lines, explicit=explicit)
            if not explicit:
                return []
            around, found = (_LINES_AROUND, _LINES_AROUND), list[NextEdit]()
            likely = by_rule or await self._on_thread(find_likely_places, state)
            for place in _places(state, likely):
                found += await self._rewrite(engine, engine.edit_prompt, place, around, explicit=explicit)
        except MidspanError:
            return []
        return [edit for edit in found if _goes_on_with(edit, state)]

    def _engine(self) -> Engine | None:
        """Return the engine when it is loaded; begin to load a model that the settings name for next edits."""
        settings = self._session.settings.next_edit
        if settings.model is None:
            return self._completion.idle_engine()
        engine = self._session.engine(settings)
        self._server.follow_load(engine)
        is_usable = engine.info.folder is not None and engine.ready.done() and engine.ready.exception() is None
        return engine if is_usable else None

    async def _rewrite(
        self,
        engine: Engine,
        make_prompt: Callable[..., EditPrompt],
        state: EditState,
        lines: tuple[int, int],
        *,
        explicit: bool,
    ) -> list[NextEdit]:
        """Have the model write the lines around the cursor anew, with themselves as the draft."""
        placed: PlacedWindow = await self._on_thread(place_window, state, *lines)
        made = await self._on_thread(make_prompt, placed.window)
        draft = await self._on_thread(engine.draft, "edit", placed.window.current)
        most = _WINDOW_GROWS * len(draft.tokens) + _FEW_TOKENS
        request = Request(made.prompt, most, drafts=(draft,), background=not explicit, is_ahead=not explicit)
        generated = await generate(engine, replace(request, is_over=made.is_over))
        output = made.read(generated.text) if generated.finish_reason in ("eos", "fim", "over") else None
        confidence = generated.trace.confidence if generated.trace is not None else None
        if output is None or confidence is None:
            return []
        source = Source.TRAINED_MODEL if made.is_over is None else Source.ANY_MODEL
        return read_edits(placed, output, source, engine.info.name, confidence)

    async def _on_thread(self, work: Callable[[*P], T], *arguments: *P) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)


def _places(state: EditState, by_rule: Sequence[NextEdit]) -> list[EditState]:
    """Return the state with the cursor at each place that may have to change: the rules' first, then diagnostics."""
    document, cursor = state.snapshot.document, state.snapshot.cursor
    diagnostics = sorted(state.diagnostics, key=lambda found: abs(found.start - cursor))
    offsets = [(edit.document, edit.start) for edit in by_rule] + [(document, found.start) for found in diagnostics]
    places: dict[tuple[str, int], EditState] = {}
    for where, offset in offsets:
        line = where.position_at(offset)[0]
        if not any(path == where.path and abs(known - line) <= _LINES_AROUND for path, known in places):
            places[where.path, line] = _at(state, where, offset)
    return list(places.values())[:_MOST_PLACES]


def _at(state: EditState, document: Document, offset: int) -> EditState:
    others = tuple(other for other in state.documents if other.path != document.path)
    return replace(state, snapshot=Snapshot(document, offset, others))


def _goes_on_with(edit: NextEdit, state: EditState) -> bool:
    """Return whether the edit adds a word that the user's changes added, or removes one that they removed."""
    removed, added = _changed_words(edit.replaced, edit.text)
    for done in state.edits:
        done_removed, done_added = _changed_words(_text(done.old_lines), _text(done.new_lines))
        if removed & done_removed or added & done_added:
            return True
    return False


def _changed_words(before: str, after: str) -> tuple[set[str], set[str]]:
    old, new = set(_WORD.findall(before)), set(_WORD.findall(after))
    return old - new, new - old


def _text(lines: Iterable[str]) -> str:
    return "".join(lines)
