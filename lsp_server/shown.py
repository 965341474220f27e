"""The items that the editor was given, until it says that one was accepted."""

import time
from dataclasses import dataclass

_KEPT = 100


@dataclass(frozen=True)
class Shown:
    """One item; `at` is a reading of the monotonic clock."""

    path: str
    characters: int
    at: float


class ShownItems:
    """Gives each item a number, which comes back with its acceptance."""

    def __init__(self) -> None:
        self._items: dict[int, Shown] = {}
        self._last = 0
        self.accepted_items = 0

    def add(self, path: str, text: str) -> int:
        """The number of a new item."""
        self._last += 1
        self._items[self._last] = Shown(path, len(text), time.monotonic())
        self._items.pop(self._last - _KEPT, None)
        return self._last

    def accept(self, number: int) -> Shown | None:
        """The item, once; None when it is not known (any more)."""
        item = self._items.pop(number, None)
        if item is not None:
            self.accepted_items += 1
        return item
