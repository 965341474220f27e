"""A secret in a text."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    """The secret from `start` to `end`, which are offsets, and the name of the rule that found it."""

    start: int
    end: int
    rule: str

    def moved(self, distance: int) -> "Finding":
        """Return the same secret in a text in which all stands so much further behind."""
        return Finding(self.start + distance, self.end + distance, self.rule)
