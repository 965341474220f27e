"""One ghost text while it may be on the screen: how much of it the document has by now, and who put it there."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Literal

from lsp_server.completion.insertion import Insertion
from lsp_server.completion.predictions import CLOSERS

# An editor that accepts a part says so by nothing but its insertion. One character is what a key types.
_LEAST_ACCEPTED_CHARACTERS = 2


@dataclass(frozen=True)
class _Item:
    """What the editor knows by a number. `reached` is how much of `text` was there when the number was given, `taken`
    how much of that had been accepted.
    """

    text: str
    reached: int
    taken: int


class DisplayedCompletion:
    """`text` replaces what is at `insertion`. What stands there of it, or is selected in a menu, counts for nobody."""

    def __init__(self, insertion: Insertion, text: str, at: float) -> None:
        self.insertion = insertion
        self.at = at  # a reading of the monotonic clock
        self.text = text
        self.taken_characters = 0  # what the document has of it, or will have, without that it was typed
        # "typed" may still turn out to be accepted: an item of one character is inserted just as it is typed.
        self.outcome: Literal["accepted", "typed"] | None = None
        self.rest_starts_at = insertion.end
        self._reached = len(insertion.given)
        self._announced = 0  # of the taken characters, those that the editor has told and not inserted yet
        self._closed = ""  # what the editor has closed by itself of what was typed of the text
        self._items: dict[int, _Item] = {}

    @property
    def rest(self) -> str:
        """What the document does not have of it yet."""
        return self.text[self._reached :].removesuffix(self._closed)

    @property
    def begun(self) -> str:
        """What the document has of it."""
        return self.text[: self._reached]

    @property
    def numbers(self) -> Set[int]:
        return self._items.keys()

    def offer(self, number: int, text: str) -> None:
        """The editor knows this by the number: the text on the screen, or another that may stand in its insertion."""
        self._items[number] = _Item(text, self._reached, self.taken_characters)

    def follow(self, text: str, *, by_hand: bool = False) -> bool:
        """Takes in the new text of the document. False when the ghost text cannot be on the screen any more.

        `by_hand`: however much was inserted, the user typed it.
        """
        source, start = self.insertion.document.text, self.insertion.start
        end = len(text) - (len(source) - self.insertion.end)
        if end < start or text[:start] != source[:start] or text[end:] != source[self.insertion.end :]:
            return False
        there = text[start:end].replace("\r\n", "\n")  # as the editor inserts a "\n" in a file with CR LF
        if not self._fits(there):
            return False
        begun = there.removesuffix(self._closed)
        self.rest_starts_at = end - len(self._closed)
        reached = max(len(begun), len(self.insertion.given))
        inserted, self._reached = reached - self._reached, reached
        is_accepted = inserted >= _LEAST_ACCEPTED_CHARACTERS and not by_hand
        if inserted > 0:
            known = min(inserted, self._announced)
            self._announced -= known
            self.taken_characters += inserted - known if is_accepted else 0
        self.taken_characters = min(self.taken_characters, self._reached + self._announced)
        self.outcome = None if self.rest else "accepted" if is_accepted else "typed"
        return True

    def _fits(self, there: str) -> bool:
        """Whether one of the texts goes on from what is there, which is the text that is shown from here on."""
        texts = [self.text, *(item.text for item in self._items.values())]
        closers = there[len(there.rstrip(CLOSERS)) :]
        for closed in (self._closed, "", *(closers[first:] for first in range(len(closers)))):
            for text in texts:
                if there.endswith(closed) and text.endswith(closed) and text.startswith(there.removesuffix(closed)):
                    self.text, self._closed = text, closed
                    return True
        return False

    def accept(self, number: int, characters: int | None) -> None:
        """The editor says that it inserted the item of this number, or so many characters of it."""
        item = self._items[number]
        if characters is not None and 0 <= characters < len(item.text) - item.reached:
            told = max(0, item.taken + characters - self.taken_characters)
            self.taken_characters += told
            self._announced = min(self._announced + told, max(0, item.reached + characters - self._reached))
            return
        self.text = item.text
        self.taken_characters += max(1, len(item.text) - self._reached - self._announced)
        self.outcome = "accepted"
