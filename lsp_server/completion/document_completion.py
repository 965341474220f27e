"""The state of inline completion in one document."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from typing import Any

from context.documents.snapshot import Snapshot
from lsp_server.completion.exact_suffix import ExactSuffix
from lsp_server.completion.ghost_text.displayed_completion import DisplayedCompletion
from lsp_server.completion.ghost_text.insertion import Insertion
from lsp_server.completion.ghost_text.predictions import Predictions
from lsp_server.completion.look_ahead import LookAhead
from lsp_server.completion.pipeline import Filled
from lsp_server.completion.running_fill import RunningFill
from lsp_server.rpc.latest_task import LatestTask

# An accepted completion tells for so long what the user is about.
_RECENT_S = 60.0
# So many texts that the user has typed past are remembered, for as long.
_KEPT_REFUSED = 8
# An editor may tell of an acceptance after the next ghost text is there.
_KEPT_NUMBERS = 100


class DocumentCompletion:
    """The running request, the predictions, the displayed completion and the one ahead. Lives on the event loop.

    There is at most one of each. An editor reports by the item's command that a completion was accepted, or only
    inserts it. Once it has reported one, nothing that it inserts is taken for an acceptance.
    """

    def __init__(
        self, numbers: Iterator[int], on_end: Callable[[DisplayedCompletion], None], reports: Callable[[], bool]
    ) -> None:
        """`numbers` are those of the items, and `on_end` is told of each displayed completion that ends.

        `reports` tells whether this editor reports acceptances.
        """
        self.predictions = Predictions()
        self.exact_suffix = ExactSuffix()
        self._numbers = numbers
        self._on_end = on_end
        self._reports = reports
        self.request = LatestTask()
        self._fill: RunningFill | None = None
        self._displayed: DisplayedCompletion | None = None
        self._ahead: LookAhead | None = None
        self._warming: asyncio.Task[None] | None = None
        self.is_cold = True  # until the whole prompt of a place in this document is read
        self.was_quick = False  # the last answer of the engine came from a quick prompt
        self._settled: deque[int] = deque(maxlen=_KEPT_NUMBERS)
        self._refused: deque[tuple[str, float]] = deque(maxlen=_KEPT_REFUSED)  # the texts, and when
        self._accepted: tuple[str, float] | None = None  # the document up to its end, and when

    @property
    def is_running(self) -> bool:
        """True while a request of this document runs."""
        return self.request.is_running or (self._fill is not None and self._fill.is_running)

    def shows_at(self, cursor: int) -> bool:
        """Return whether a ghost text, or the rest of one, is shown at this offset."""
        return self._displayed is not None and self._displayed.rest_starts_at == cursor

    def fill_at(self, snapshot: Snapshot, max_lines: int) -> RunningFill | None:
        """Return the fill of an earlier keystroke that may be the one of this place; end any other."""
        if self._fill is not None and not self._fill.may_answer(snapshot, max_lines):
            self.end_fill()
        return self._fill

    def begin_fill(
        self, snapshot: Snapshot, max_lines: int, fill: Callable[[Callable[[str], None]], Awaitable[Filled]]
    ) -> RunningFill:
        """Begin the fill of this place, which ends the one before."""
        self.end_fill()
        self._fill = RunningFill(snapshot, max_lines, fill)
        return self._fill

    def end_fill(self) -> None:
        """End the fill that runs, and forget it."""
        if self._fill is not None:
            self._fill.end()
            self._fill = None

    def supersede(self) -> None:
        """End the running request. Neovim never cancels what it asked for at an earlier keystroke."""
        self.exact_suffix.end()
        self.request.end()

    def display(self, insertion: Insertion, texts: Sequence[str], latency_ms: float, now: str) -> list[int]:
        """Note that the editor shows the first text and knows the others; return the numbers of all.

        The rest of what is on the screen, shown again, is the same ghost text. `now` is the document with what the
        user has typed meanwhile: a text that does not fit it is never seen.
        """
        numbers = [next(self._numbers) for _ in texts]
        displayed = self._displayed
        begun = None if displayed is None else displayed.begun_by(insertion, texts[0])
        if displayed is None or begun is None:
            self._end_displayed()
            begun, displayed = "", DisplayedCompletion(insertion, texts[0], latency_ms)
        displayed.offer(numbers, [begun + text for text in texts])
        if now == insertion.document.text or displayed.follow(now, by_hand=True):
            self._displayed = displayed
        return numbers

    def look_ahead(self, ahead: LookAhead, now: str) -> None:
        """Compute this while the document is `now`, or go on when it is being computed: only more of it was typed."""
        if not ahead.fits(now):
            self.end_look_ahead()
        elif self._ahead is None or not self._ahead.is_same(ahead):
            self.end_look_ahead()
            self._ahead = ahead
            ahead.start()

    @property
    def ahead(self) -> LookAhead | None:
        """The completion after the acceptance of the displayed one, if it is being computed or known."""
        return self._ahead

    def warm(self, work: Coroutine[Any, Any, None]) -> None:
        """Read the whole prompt of this document, until its next change or request."""
        self._end_warming()
        self._warming = asyncio.ensure_future(work)

    async def warmed(self) -> None:
        """Wait until the whole prompt is read, or is not read any more."""
        if self._warming is not None:
            await asyncio.wait([self._warming])

    def _end_warming(self) -> None:
        if self._warming is not None:
            self._warming.cancel()
            self._warming = None

    def end_work_ahead(self) -> None:
        """End all that nobody waits for: the look-ahead, the warming, and the exact suffix."""
        self._end_warming()
        self.exact_suffix.end()
        self.end_look_ahead()

    def end_look_ahead(self) -> None:
        """End what is computed ahead, and forget it."""
        if self._ahead is not None:
            self._ahead.cancel()
            self._ahead = None

    def follow(self, now: str) -> None:
        """Take in the new text of the document."""
        if self._fill is not None and not self._fill.may_fit(now):
            self.end_fill()
        self.exact_suffix.end()
        self._end_warming()
        displayed = self._displayed
        if displayed is not None:
            was_typed = displayed.state is not None
            fits = not was_typed and displayed.follow(now, by_hand=self._reports())
            if not fits and displayed.is_typed_past(now):
                self._refused.append((displayed.rest.strip(), time.monotonic()))
            if not fits or displayed.state == "accepted":
                self._end_displayed()
        if self._ahead is not None and not self._ahead.fits(now):
            self.end_look_ahead()

    def begin_anew(self) -> None:
        """End the request that runs, and forget what was computed: it was for other settings."""
        self.supersede()
        self.end_fill()
        self.predictions.forget()

    def forget_computed(self) -> None:
        """Forget the texts that were computed for this document: another one, which they go by, has changed."""
        self.predictions.forget()
        if self._fill is not None and not self._fill.is_running:
            self.end_fill()

    def accept(self, number: int, characters: int | None = None) -> bool:
        """Note that the editor inserted the item of this number, or so many characters of it; False if unknown."""
        displayed = self._displayed
        if displayed is None or number not in displayed.numbers:
            return number in self._settled
        displayed.accept(number, characters)
        if displayed.state == "accepted":
            self._end_displayed()
        return True

    @property
    def accepted_text(self) -> str | None:
        """The document up to the end of the completion that was accepted last, if that was a moment ago."""
        if self._accepted is None or time.monotonic() >= self._accepted[1] + _RECENT_S:
            return None
        return self._accepted[0]

    def was_refused(self, text: str) -> bool:
        """Return whether the user has typed past this text a moment ago, at this place or another one."""
        since = time.monotonic() - _RECENT_S
        return any(text.strip() == refused for refused, at_s in self._refused if at_s > since)

    def clear(self) -> None:
        """Note that nothing is on the screen any more, so nothing is to be computed after it."""
        self._end_displayed()
        self.end_look_ahead()

    def end(self) -> None:
        """End all that goes on: the document is closed, or the user wants something else of it."""
        self.supersede()
        self.end_fill()
        self._end_warming()
        self.clear()

    def _end_displayed(self) -> None:
        displayed, self._displayed = self._displayed, None
        if displayed is None:
            return
        if displayed.state == "accepted":
            self._accepted = displayed.document_when_accepted, time.monotonic()
        self._settled.extend(displayed.numbers)
        self._on_end(displayed)
