"""A finding of `midspan doctor`."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A fact about this machine. `fix` tells the user what to do, with a command where there is one.

    `mend` does that where nothing is lost by it; it returns what it did in words, or raises MidspanError or OSError.
    """

    subject: str
    what: str
    is_wrong: bool = False
    fix: str = ""
    mend: Callable[[], str] | None = None

    def __str__(self) -> str:
        return f"{self.what} {self.fix}".rstrip()
