"""The outcome of one ghost text, as it is counted."""

from dataclasses import dataclass
from typing import Literal

# "accepted": inserted to its end; "part": inserted in part, then left; "typed": typed by hand to its end;
# "dismissed": anything else.
DisplayKind = Literal["accepted", "part", "typed", "dismissed"]


@dataclass(frozen=True)
class DisplayOutcome:
    """The end of one ghost text, however many candidates it had and however often its rest was shown again.

    `characters` are code points: those that were inserted by "accepted" and "part", else all.
    """

    language: str
    kind: DisplayKind
    characters: int
    shown_for_s: float
    latency_ms: float  # from the request to the answer
