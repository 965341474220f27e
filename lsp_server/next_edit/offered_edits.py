"""The edits that a client was offered, by their numbers, and what became of each."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from lsp_server.next_edit.next_edit import NextEdit
from lsp_server.telemetry.display_outcome import NextEditKind

_MOST_OFFERED = 12  # each holds the text that it was made for; clients tell of the last few


@dataclass(frozen=True)
class OfferedEdit:
    """An edit as a client knows it. `version` is that of the buffer, None for a file that is not open.

    The number is a string, as clients of Copilot's protocol expect.
    """

    edit: NextEdit
    uri: str
    version: int | None
    number: str
    told: set[NextEditKind] = field(default_factory=set)  # what the client has told of it


class OfferedEdits:
    """Numbers the edits, and tells `on_told` of each once that it was shown, accepted or dismissed."""

    def __init__(self, on_told: Callable[[OfferedEdit, NextEditKind], None]) -> None:
        self._on_told = on_told
        self._numbers = itertools.count(1)
        self._offers: dict[str, OfferedEdit] = {}

    def offer(self, edit: NextEdit, uri: str, version: int | None) -> OfferedEdit:
        """Give the edit a number."""
        offered = OfferedEdit(edit, uri, version, str(next(self._numbers)))
        self._offers[offered.number] = offered
        while len(self._offers) > _MOST_OFFERED:
            del self._offers[next(iter(self._offers))]
        return offered

    def tell(self, number: str, kind: NextEditKind) -> bool:
        """Note what became of the edit of this number; False if it is unknown. What was accepted was shown."""
        offered = self._offers.get(number)
        if offered is None:
            return False
        kinds: tuple[NextEditKind, ...] = ("shown",) if kind == "shown" else ("shown", kind)
        for each in kinds:
            if each not in offered.told:
                offered.told.add(each)
                self._on_told(offered, each)
        return True
