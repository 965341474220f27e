"""A secret in a text."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    """The secret from `start` to `end`, which are offsets, and the name of the rule that found it."""

    start: int
    end: int
    rule: str
