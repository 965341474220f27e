"""A ghost text while it may be on the screen: how much of it the document has, and who inserted that."""

import time
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Literal

from lsp_server.completion.ghost_text.insertion import Insertion
from lsp_server.completion.ghost_text.placed_text import PlacedText
from lsp_server.telemetry.display_outcome import DisplayKind, DisplayOutcome

# An editor that reports no acceptance only inserts the text. Editors send several typed characters in one change, so
# only a change that no typing makes is an acceptance: one of so many characters, or of the next line's too.
_LEAST_ACCEPTED_CHARACTERS = 20


@dataclass(frozen=True)
class _Item:
    """An item as the editor knows it by number.

    When the number was given, the document had `reached` characters of the text; `taken` of these were accepted.
    """

    text: str
    reached: int
    taken: int


class DisplayedCompletion:
    """A text that replaces what is at `insertion`, with the other candidates that the editor has for the same place.

    The characters that stand there already, or that a menu's selected entry brings, count as neither typed nor
    accepted.
    """

    def __init__(self, insertion: Insertion, text: str, latency_ms: float) -> None:
        self.insertion = insertion
        self.text = text
        self.taken_characters = 0  # what was accepted of it: inserted, or announced by the editor
        # "typed" may still become "accepted": the editor's report may follow its text.
        self.state: Literal["accepted", "typed"] | None = None
        self.rest_starts_at = insertion.end
        self._latency_ms = latency_ms
        self._shown_at_s = time.monotonic()
        self._reached = len(insertion.given)
        self._last_inserted = 0  # by the last change; the report of an acceptance may follow its text
        self._announced = 0  # accepted characters that the editor has told and not inserted yet
        self._closed = ""  # closers that the editor has added
        self._items: dict[int, _Item] = {}

    @property
    def rest(self) -> str:
        """The part that the document does not have yet."""
        return self.text[self._reached :].removesuffix(self._closed)

    @property
    def numbers(self) -> Set[int]:
        """The numbers by which the editor knows this ghost text and its other candidates."""
        return self._items.keys()

    @property
    def document_when_accepted(self) -> str:
        """The document up to the end of the whole text, with newlines as line ends."""
        return self.insertion.document.text[: self.insertion.start].replace("\r\n", "\n") + self.text

    def begun_by(self, insertion: Insertion, text: str) -> str | None:
        """Return what the document has of this text already if `text` at `insertion` is its rest; else None."""
        if insertion.start == self.rest_starts_at and text == self.rest:
            return self.text[: self._reached]
        return "" if insertion.start == self.insertion.start and text == self.text else None

    def offer(self, numbers: Sequence[int], texts: Sequence[str]) -> None:
        """Let the editor know each text by its number; each replaces what is at the insertion."""
        for number, text in zip(numbers, texts, strict=True):
            self._items[number] = _Item(text, self._reached, self.taken_characters)

    def follow(self, now: str, *, by_hand: bool = False) -> bool:
        """Take in the new text of the document. False when the ghost text cannot be on the screen any more.

        With `by_hand` no insertion is taken for an acceptance, however long it is: the user has typed it, or the editor
        reports what is accepted.
        """
        if (inserted := self._move_to(now)) is None:
            return False
        new = self.text[max(0, self._reached - inserted) : self._reached]
        has_lines = any(line.strip() for line in new.split("\n")[1:])
        is_accepted = not by_hand and (inserted >= _LEAST_ACCEPTED_CHARACTERS or has_lines)
        known = min(max(inserted, 0), self._announced)
        self._announced -= known
        self._last_inserted = max(inserted, 0) - known
        self.taken_characters += self._last_inserted if is_accepted else 0
        self.taken_characters = min(self.taken_characters, self._reached + self._announced)
        self.state = None if self.rest else "accepted" if is_accepted else "typed"
        return True

    def is_typed_past(self, now: str) -> bool:
        """Return whether the user has typed another character where the rest stood.

        More characters at once come from a menu or a paste, and a blank or a line end says little about the rest.
        """
        if not self.rest:
            return False
        where, source = self.insertion, self.insertion.document.text
        after = self._closed + source[where.end :]
        typed = now[self.rest_starts_at : len(now) - len(after)]
        begun = now[where.start : self.rest_starts_at].replace("\r\n", "\n")
        is_same_before = now.startswith(source[: where.start]) and begun == self.text[: self._reached]
        return len(typed) == 1 and not typed.isspace() and is_same_before and now.endswith(after)

    def _move_to(self, now: str) -> int | None:
        """Return how many characters more the document has, or None when it has something else.

        A candidate that goes on from what is there becomes the text.
        """
        where = self.insertion
        for text in (self.text, *(item.text for item in self._items.values())):
            placed = PlacedText(where.document.text, where.start, where.end, text)
            if (progress := placed.progress_in(now, self._closed)) is not None:
                self.text, self._closed, self.rest_starts_at = text, progress.closed, progress.rest_starts_at
                reached = max(len(progress.begun), len(where.given))
                inserted, self._reached = reached - self._reached, reached
                return inserted
        return None

    def accept(self, number: int, characters: int | None) -> None:
        """Note that the editor has inserted the item of this number, or so many characters of it."""
        item = self._items[number]
        if characters is not None and 0 <= characters < len(item.text) - item.reached:
            told = max(0, item.taken + characters - self.taken_characters)
            self.taken_characters += told
            self._announced = min(self._announced + told, max(0, item.reached + characters - self._reached))
            return
        self.text = item.text
        left = len(item.text) - self._reached - self._announced
        self.taken_characters += max(1, left or self._last_inserted)
        self.state = "accepted"

    def outcome(self) -> DisplayOutcome:
        """Return what has become of the ghost text by now."""
        kind: DisplayKind = self.state or "dismissed"
        if self.state != "accepted" and self.taken_characters:
            kind = "part"
        characters = self.taken_characters or len(self.text)
        shown_for_s = time.monotonic() - self._shown_at_s
        return DisplayOutcome(self.insertion.document.language, kind, characters, shown_for_s, self._latency_ms)
