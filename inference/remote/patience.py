"""How long a server is waited for, and how often it is asked again."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """One for all requests to a server."""

    connect_s: float = 5.0
    silence_s: float = 60.0  # before the first piece and between two
    retries: int = 2  # of a request that has not begun to be answered, with a growing pause
    longest_pause_s: float = 20.0  # a server that asks for more is not asked again
