"""The limits of waiting for a server."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """The limits for all requests to a server."""

    connect_s: float = 5.0
    silence_s: float = 60.0  # before the first piece and between two
    retries: int = 2  # before the answer has begun, with a growing pause
    longest_pause_s: float = 20.0  # a server that asks for a longer one gets no retry
