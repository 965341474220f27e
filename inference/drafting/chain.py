"""The tokens that a source expects next, and how sure each is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from inference.api import DraftSource

# The grade of an expectation: expectations of one source and one grade are right about equally often.
Grade = tuple[int, ...]
MayCome = Callable[[int], bool]


def any_may_come(token: int) -> bool:
    """Let any token come, as where no word is begun."""
    return True


@dataclass(frozen=True, slots=True)
class Expected:
    """A token that a source expects behind the one before.

    `guess` is the share of such tokens that are right, before any was measured.
    """

    token: int
    source: DraftSource
    grade: Grade
    guess: float


class Source(Protocol):
    """Follows an output and expects its next tokens."""

    def push(self, token: int) -> None:
        """Follow the output by one token."""

    def expect(self, may_come: MayCome = any_may_come) -> Iterator[Expected]:
        """Yield the tokens that come next, one behind the other, as far as the source knows.

        `may_come` says of a token whether it can be the first of them: not each can where a word is begun.
        """
