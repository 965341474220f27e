"""A text that goes to a place in a document, and how much of it a later state of the document has."""

from collections.abc import Iterator
from dataclasses import dataclass

# An editor may put these behind the cursor by itself when the user types their opener.
CLOSERS = ")]}\"'`"
# What stands there has at most so many times the characters of the text: what the user typed of it, what the editor
# closed of it, and a "\r" in each of its line ends.
_MOST_TIMES = 4


@dataclass(frozen=True)
class Progress:
    """The document has `begun` of a text, then `closed`, which the editor added. `rest` belongs between the two."""

    begun: str
    closed: str
    rest: str
    rest_starts_at: int  # an offset in the document


@dataclass(frozen=True)
class PlacedText:
    """A text that takes the place of `source[start:end]`. Its line ends are newlines, whatever the document's are."""

    source: str
    start: int
    end: int
    text: str

    def progress_in(self, now: str, closed: str = "", cursor: int | None = None) -> Progress | None:
        """Return how much of the text the user has typed or accepted, or None when something else has changed.

        `closed` are the closers that the editor is known to have added. With a cursor, the rest begins there.
        """
        stop = len(now) - (len(self.source) - self.end)
        if not 0 <= stop - self.start <= _MOST_TIMES * len(self.text):
            return None
        there = now[self.start : stop].replace("\r\n", "\n")  # an editor inserts a "\n" so in a file with CR LF
        for begun, added in _readings(there, closed):
            starts_at = stop - len(added)
            if self.text.startswith(begun) and self.text.endswith(added) and cursor in (None, starts_at):
                progress = Progress(begun, added, self.text[len(begun) :].removesuffix(added), starts_at)
                return progress if self._is_same_around(now, stop) else None
        return None

    def _is_same_around(self, now: str, stop: int) -> bool:
        """Return whether all is unchanged but `now[start:stop]`. This reads the whole text, and nothing else does."""
        return now[: self.start] == self.source[: self.start] and now[stop:] == self.source[self.end :]


def _readings(there: str, closed: str) -> Iterator[tuple[str, str]]:
    """Divide what stands there into what was typed and what the editor has closed; the likeliest division first."""
    closers = there[len(there.rstrip(CLOSERS)) :]
    for added in (closed, "", *(closers[first:] for first in range(len(closers)))):
        begun = there.removesuffix(added)
        if there.endswith(added) and (begun or not added):  # an editor closes nothing before something is typed
            yield begun, added
