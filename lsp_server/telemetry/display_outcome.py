"""The outcome of one displayed completion, for the usage counts."""

from dataclasses import dataclass
from typing import Literal

# "accepted": inserted to its end; "part": inserted in part, then left; "typed": typed by hand to its end;
# "dismissed": anything else.
DisplayKind = Literal["accepted", "part", "typed", "dismissed"]


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
