"""While the user reads an item, what comes after its acceptance is computed, so that it is there at once."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from context.documents.snapshot import Snapshot
from lsp_server.completion.candidates import generate_one
from lsp_server.completion.confidence import LOW_CONFIDENCE, has_low_confidence
from lsp_server.completion.postprocess import Cleaned, postprocess
from lsp_server.completion.triggers import Trigger, decide
from midspan import MidspanError

if TYPE_CHECKING:  # a session has one of these
    from inference.api import Engine
    from lsp_server.server.session import Session

# Whoever goes on typing does not read: between two keystrokes nothing is begun.
_READING_AFTER_S = 0.1


@dataclass(eq=False)
class _Ahead:
    """`text` is the document when the item that is shown at the cursor of `shown_at` has been accepted, and `cursor` is
    the item's end. `found` is what comes there when `max_lines` are asked for, or why nothing does; None: not known.
    """

    shown_at: Snapshot
    text: str
    cursor: int
    task: "asyncio.Task[None]" = field(init=False)
    has_begun: bool = False
    found: Cleaned | None = None
    max_lines: int = 0

    def is_on_the_way(self, now: str) -> bool:
        """Whether all that happened to the document is that the item, or its beginning, stands in it."""
        accepted = len(now) - len(self.shown_at.document.text)
        end = self.shown_at.cursor + accepted
        return self.shown_at.cursor <= end <= self.cursor and now == self.text[:end] + self.text[self.cursor :]


class LookAhead:
    """At most one for each document of a session, none with a model on a server. Lives on the event loop alone."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._aheads: dict[str, _Ahead] = {}  # by the document's URI

    def start(self, uri: str, snapshot: Snapshot, item: str) -> None:
        """The user sees the item at the snapshot's cursor."""
        before, after = snapshot.document.text[: snapshot.cursor], snapshot.document.text[snapshot.cursor :]
        if "\r\n" in snapshot.document.text:  # the editor inserts it so
            item = item.replace("\n", "\r\n")
        ahead = _Ahead(snapshot, before + item + after, snapshot.cursor + len(item))
        known = self._aheads.get(uri)
        if known is not None and (known.text, known.cursor) == (ahead.text, ahead.cursor):
            return  # more of the same item has been typed or accepted
        self.end(uri)
        if self._session.settings.completion.look_ahead:
            ahead.task = asyncio.ensure_future(self._compute(uri, ahead))
            self._aheads[uri] = ahead

    async def found_at(self, uri: str, snapshot: Snapshot, max_lines: int) -> Cleaned | None:
        """What comes at this place, once that is known; None when it was not asked for ahead, or that failed."""
        ahead = self._aheads.get(uri)
        if ahead is None or not ahead.has_begun or ahead.max_lines != max_lines:
            return None
        if (ahead.text, ahead.cursor) != (snapshot.document.text, snapshot.cursor):
            return None
        await asyncio.wait([ahead.task])
        return ahead.found

    def follow(self, uri: str, text: str) -> None:
        """The document has another text now."""
        if (ahead := self._aheads.get(uri)) is not None and not ahead.is_on_the_way(text):
            self.end(uri)

    def end(self, uri: str) -> None:
        """The item is not on the screen any more."""
        if (ahead := self._aheads.pop(uri, None)) is not None:
            ahead.task.cancel()

    def end_all(self) -> None:
        """None is, or somebody waits for the engine."""
        for uri in list(self._aheads):
            self.end(uri)

    async def _compute(self, uri: str, ahead: _Ahead) -> None:
        await asyncio.sleep(_READING_AFTER_S)
        session, engine = self._session, self._session.running_engine
        if engine is None or not _is_at_hand(engine):
            return
        document = replace(ahead.shown_at.document, text=ahead.text)
        snapshot = replace(ahead.shown_at, document=document, cursor=ahead.cursor)
        asked = decide(snapshot, explicit=False, accepted=ahead.text[: ahead.cursor].replace("\r\n", "\n"))
        if not isinstance(asked, Trigger) or session.why_off_at(snapshot) is not None:
            return
        ahead.has_begun, ahead.max_lines = True, asked.max_lines
        with suppress(MidspanError):  # whoever asks at that place is told
            _, request = await session.build_request(engine, uri, snapshot, asked.max_lines)
            if session.running_engine is not engine:
                return  # it was unloaded meanwhile
            (generated,) = await generate_one(engine, replace(request, background=True), snapshot)
            if generated.trace is None or generated.finish_reason == "cancelled":
                return  # the engine was closed under it
            ahead.found = postprocess(generated.text, snapshot, generated.finish_reason)
            if ahead.found.text and has_low_confidence(generated.trace):
                ahead.found = Cleaned("", LOW_CONFIDENCE)


def _is_at_hand(engine: "Engine") -> bool:
    """In this process, where it costs nobody's money, and loaded."""
    return engine.info.folder is not None and engine.ready.done() and engine.ready.exception() is None
