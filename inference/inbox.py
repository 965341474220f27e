"""The requests on their way to the engine's thread. Each is answered, also one that comes when the engine has ended."""

from contextlib import suppress
from queue import Empty, SimpleQueue

from inference.api import Update
from inference.live_sequence import LiveSequence
from midspan import MidspanError


class Inbox:
    """A queue from any thread to the engine's, which alone calls `get`, `refuse_all` and `end`."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[LiveSequence | None] = SimpleQueue()
        self._has_ended = False
        self.is_closing = False

    def __len__(self) -> int:
        return self._queue.qsize()

    def put(self, sequence: LiveSequence) -> bool:
        """Queue a request; cancel it and return False when the engine's thread takes none any more."""
        self._queue.put(sequence)
        if self._has_ended:
            self._cancel_all()
        return not self._has_ended

    def wake(self) -> None:
        """Let `get` return where it waits."""
        self._queue.put(None)

    def close(self) -> None:
        """Tell the engine's thread to end."""
        self.is_closing = True
        self.wake()

    def has_arrivals(self) -> bool:
        return self.is_closing or not self._queue.empty()

    def get(self, wait_s: float | None) -> LiveSequence | None:
        """Return the next request, or None when woken; raise `queue.Empty` when `wait_s` is over. None waits on."""
        return self._queue.get(timeout=wait_s)

    def refuse_all(self, error: MidspanError) -> None:
        """Answer every request with the error, also later ones, until the engine is closed."""
        while not self.is_closing:
            if sequence := self._queue.get():
                sequence.emit(Update("", "error", sequence.trace(), error))

    def end(self) -> None:
        """Cancel the requests that nobody takes: they came while the engine was closed, or come later."""
        self._has_ended = True
        self._cancel_all()

    def _cancel_all(self) -> None:
        with suppress(Empty):
            while True:
                if sequence := self._queue.get_nowait():
                    sequence.emit(Update("", "cancelled", sequence.trace()))
