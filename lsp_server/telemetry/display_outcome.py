"""The outcome of one displayed completion, and of one next edit, for the usage counts."""

from dataclasses import dataclass
from typing import Literal

# "accepted": inserted to its end; "part": inserted in part, then left; "typed": typed by hand to its end;
# "dismissed": anything else.
DisplayKind = Literal["accepted", "part", "typed", "dismissed"]

# A next edit that the user saw; one that was accepted; one that a key has dismissed.
NextEditKind = Literal["shown", "accepted", "dismissed"]


@dataclass(frozen=True)
class DisplayOutcome:
    """The outcome of one ghost text, with all its candidates and all the times that its rest was shown again.

    `characters` are code points: those that were inserted by "accepted" and "part", else all.
    """

    language: str
    kind: DisplayKind
    characters: int
    shown_for_s: float
    latency_ms: float  # from the request to the answer
