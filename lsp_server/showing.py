"""One grey text while it may be on the screen: how much of it the document has by now, and who put it there."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Literal

from context.document import Document

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


class Showing:
    """`text` is shown in place of `document.text[start:end]`, with which it may begin: that counts for nobody."""

    def __init__(self, document: Document, start: int, end: int, text: str, at: float) -> None:
        self.document = document
        self.start = start
        self.at = at  # a reading of the monotonic clock
        self.text = text
        self.taken_characters = 0  # what the document has of it without that it was typed
        # "typed" may still turn out to be accepted: an item of one character is inserted just as it is typed.
        self.outcome: Literal["accepted", "typed"] | None = None
        self._end = end
        there = document.text[start:end]
        self._reached = len(there) if text.startswith(there) else 0
        self._items: dict[int, _Item] = {}

    @property
    def rest(self) -> str:
        """What the document does not have of it yet."""
        return self.text[self._reached :]

    @property
    def rest_starts_at(self) -> int:
        return self.start + self._reached

    @property
    def numbers(self) -> Set[int]:
        return self._items.keys()

    def offer(self, number: int, text: str) -> None:
        """The editor knows this by the number: the text on the screen, or another that may stand in its place."""
        self._items[number] = _Item(text, self._reached, self.taken_characters)

    def follow(self, text: str, *, by_hand: bool = False) -> bool:
        """Takes in the new text of the document. False when the grey text cannot be on the screen any more.

        `by_hand`: however much was inserted, the user typed it.
        """
        source = self.document.text
        end = len(text) - (len(source) - self._end)
        if end < self.start or text[: self.start] != source[: self.start] or text[end:] != source[self._end :]:
            return False
        there = text[self.start : end].replace("\r\n", "\n")  # as the editor inserts a "\n" in a file with CR LF
        if not self.text.startswith(there):
            others = (item.text for item in self._items.values() if item.text.startswith(there))
            if (other := next(others, None)) is None:
                return False
            self.text = other
        inserted, self._reached = len(there) - self._reached, len(there)
        is_accepted = inserted >= _LEAST_ACCEPTED_CHARACTERS and not by_hand
        taken = self.taken_characters + (inserted if is_accepted else 0)
        self.taken_characters = min(taken, self._reached)
        self.outcome = None if self.rest else "accepted" if is_accepted else "typed"
        return True

    def accept(self, number: int, characters: int | None) -> None:
        """The editor says that it inserted the item of this number, or so many characters of it."""
        item = self._items[number]
        if characters is not None and 0 <= characters < len(item.text) - item.reached:
            self.taken_characters = max(self.taken_characters, item.taken + characters)
            return
        self.text = item.text
        self.taken_characters += max(1, len(item.text) - self._reached)
        self.outcome = "accepted"
