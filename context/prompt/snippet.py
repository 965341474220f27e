"""A part of another file that may be shown, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property


class Tier(IntEnum):
    """The volatility of a snippet. The least volatile snippets stand first in a prompt."""

    DEFINITION = 0
    SIMILAR = 1
    BUFFER = 2
    EDIT = 3


@dataclass(frozen=True)
class Snippet:
    """Lines of a file. `source` says why they may be shown; the higher the `score`, the more they matter.

    `text` is whole lines of the file, not always all the lines between the first and the last. `requires` names
    the files that this file imports, which stand before it.
    """

    path: str
    text: str
    language: str
    source: str
    score: float
    first_line: int = 0
    tier: Tier = Tier.DEFINITION
    requires: frozenset[str] = frozenset()

    @cached_property
    def lines(self) -> frozenset[str]:
        """The lines without their order, their ends and blank lines, by which two snippets are compared."""
        return frozenset(line.rstrip() for line in self.text.split("\n") if line.strip())

    def holds(self, other: "Snippet") -> bool:
        """Return whether this snippet shows all that the other one shows."""
        return self.path == other.path and self.lines >= other.lines


def in_reading_order(snippets: Iterable[Snippet]) -> list[Snippet]:
    """Order snippets file by file: the least volatile first, each file after those that it imports, the best last."""
    files: dict[str, list[Snippet]] = {}
    for snippet in snippets:
        files.setdefault(snippet.path, []).append(snippet)

    def volatility(path: str) -> tuple[int, float, str]:
        return max(s.tier for s in files[path]), max(s.score for s in files[path]), path

    ordered: list[Snippet] = []
    done: set[str] = set()

    def add(path: str) -> None:
        if path in done:
            return
        done.add(path)  # before its imports: files may import each other in a circle
        tier = volatility(path)[0]
        required = {name for snippet in files[path] for name in snippet.requires}
        for name in sorted(required & files.keys(), key=volatility):
            if volatility(name)[0] <= tier:
                add(name)
        ordered.extend(sorted(files[path], key=lambda snippet: snippet.first_line))

    for path in sorted(files, key=volatility):
        add(path)
    return ordered
