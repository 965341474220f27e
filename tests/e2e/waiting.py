"""Wait for other processes, with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

WAIT_S = 60  # long enough for a busy machine; only a failure waits this long

T = TypeVar("T")


def _pause() -> None:
    time.sleep(0.02)


def wait_until(
    condition: Callable[[], T | None],
    failure: Callable[[], str],
    *,
    wait_s: float = WAIT_S,
    pause: Callable[[], None] = _pause,
) -> T:
    """Return the first true value of the condition; raise TimeoutError with the `failure` when there is none in time.

    The condition is tried once more when the time is over.
    """
    end = time.monotonic() + wait_s
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(failure())
        pause()
    return value
