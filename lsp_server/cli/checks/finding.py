"""One thing that `midspan doctor` found."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """`fix` is what to do about it, with a command where there is one. `mend` does it, where that loses nothing; it
    says what it did, or raises MidspanError or OSError.
    """

    subject: str
    what: str
    is_wrong: bool = False
    fix: str = ""
    mend: Callable[[], str] | None = None

    def __str__(self) -> str:
        return f"{self.what} {self.fix}".rstrip()
