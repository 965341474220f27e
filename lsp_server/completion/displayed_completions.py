"""The items that the editor was given, and what became of each."""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from lsp_server.completion.displayed_completion import DisplayedCompletion
from lsp_server.completion.insertion import Insertion
from lsp_server.telemetry.display_outcome import DisplayOutcome

_log = logging.getLogger(__name__)

_KEPT = 100
# For so long a text that was accepted tells what the user is about.
_RECENT_S = 60.0


@dataclass(frozen=True)
class _OnScreen:
    showing: DisplayedCompletion
    latency_ms: float


class DisplayedCompletions:
    """At most one ghost text for each document. Lives on the event loop alone.

    An editor says by the item's command that it was accepted, or only inserts it. Both are understood, and what does
    both counts once.
    """

    def __init__(self) -> None:
        self.on_outcome: Callable[[DisplayOutcome], None] = lambda outcome: None
        self.accepted_items = 0
        self._on_screen: dict[str, _OnScreen] = {}  # by the document's URI
        self._accepted: dict[str, tuple[str, float]] = {}  # by URI: the document up to its end, and when
        self._settled: deque[int] = deque(maxlen=_KEPT)
        self._last = 0

    def add(self, uri: str, insertion: Insertion, texts: Sequence[str], latency_ms: float, now: str) -> list[int]:
        """Numbers for the texts. Each may be inserted there; the first one is shown.

        The rest of what is on the screen, shown again, is the same ghost text. `now` is what the user has typed of the
        document meanwhile: what does not fit it is never seen.
        """
        numbers = [self._last + count for count in range(1, len(texts) + 1)]
        self._last = numbers[-1]
        shown = self._on_screen.get(uri)
        begun = None if shown is None else _begun(shown.showing, insertion, texts[0])
        if shown is None or begun is None:
            self.end(uri)
            begun = ""
            shown = _OnScreen(DisplayedCompletion(insertion, texts[0], time.monotonic()), latency_ms)
        for number, text in zip(numbers, texts, strict=True):
            shown.showing.offer(number, begun + text)
        if now == insertion.document.text or shown.showing.follow(now, by_hand=True):
            self._on_screen[uri] = shown
        return numbers

    def follow(self, uri: str, text: str) -> None:
        """The document has another text now."""
        if (shown := self._on_screen.get(uri)) is None:
            return
        was_typed = shown.showing.outcome is not None
        if was_typed or not shown.showing.follow(text) or shown.showing.outcome == "accepted":
            self.end(uri)

    def accept(self, number: int, characters: int | None = None) -> bool:
        """The editor says that it inserted the item, or so many characters of it; False when it is not known."""
        for uri, shown in self._on_screen.items():
            if number in shown.showing.numbers:
                shown.showing.accept(number, characters)
                if shown.showing.outcome == "accepted":
                    self.end(uri)
                return True
        return number in self._settled

    def end(self, uri: str) -> None:
        """Nothing is on the screen in this document any more."""
        if (shown := self._on_screen.pop(uri, None)) is None:
            return
        showing = shown.showing
        self._settled.extend(showing.numbers)
        taken, seconds = showing.taken_characters, time.monotonic() - showing.at
        kind = _kind(showing)
        outcome = DisplayOutcome(
            showing.insertion.document.language, kind, taken or len(showing.text), seconds, shown.latency_ms
        )
        if kind == "accepted":
            self.accepted_items += 1
            written = showing.insertion.document.text[: showing.insertion.start].replace("\r\n", "\n") + showing.text
            self._accepted[uri] = written, time.monotonic()
        _log.info(
            "%s: %s, %d characters after %.1f s", showing.insertion.document.path, kind, outcome.characters, seconds
        )
        self.on_outcome(outcome)

    def accepted_in(self, uri: str) -> str | None:
        """The document's text up to the end of what was accepted in it last, if that was a moment ago."""
        written, at = self._accepted.get(uri, (None, 0.0))
        return written if time.monotonic() < at + _RECENT_S else None

    def forget(self, uri: str) -> None:
        """The document is closed."""
        self.end(uri)
        self._accepted.pop(uri, None)

    def close(self) -> None:
        """Nothing is on the screen at all."""
        for uri in list(self._on_screen):
            self.end(uri)


def _begun(showing: DisplayedCompletion, insertion: Insertion, text: str) -> str | None:
    """What is there already of the text on the screen when this is its rest; None when it is another text."""
    if insertion.start == showing.rest_starts_at and text == showing.rest:
        return showing.begun
    return "" if insertion.start == showing.insertion.start and text == showing.text else None


def _kind(showing: DisplayedCompletion) -> Literal["accepted", "part", "typed", "dismissed"]:
    if showing.outcome == "accepted":
        return "accepted"
    return "part" if showing.taken_characters else showing.outcome or "dismissed"
