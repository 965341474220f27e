"""Tells whether the machine runs on its battery."""

import time
from collections.abc import Callable

import psutil

_FRESH_S = 10.0


def is_on_battery() -> bool:
    """Ask the system; a machine without a battery is never on it, nor is one that does not say."""
    # Some systems have no battery that psutil knows of, and it then lacks the function.
    sensor = getattr(psutil, "sensors_battery", None)
    try:
        battery = sensor() if sensor is not None else None
    except OSError:  # a container has no /sys, or forbids to read it
        return False
    return battery is not None and battery.power_plugged is False


class Battery:
    """The answer of the system, asked at most every ten seconds: a keystroke does not wait for it."""

    def __init__(self, ask: Callable[[], bool] = is_on_battery) -> None:
        self._ask = ask
        self._asked_s: float | None = None  # of the monotonic clock
        self._is_used = False

    @property
    def is_used(self) -> bool:
        """True while the machine runs on its battery."""
        now = time.monotonic()
        if self._asked_s is None or now >= self._asked_s + _FRESH_S:
            self._asked_s, self._is_used = now, self._ask()
        return self._is_used
