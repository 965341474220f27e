"""Makes the process yield to everything else on the machine, and lets others pause it."""

import os
import sys
import time
from pathlib import Path

PAUSE_FILE = "PAUSE"
PAUSE_POLL_S = 2.0


def yield_to_others() -> None:
    """Lowest priority: nice 19 and, on Linux, SCHED_IDLE (runs only when nobody else wants to).

    With OpenMP's default, a thread that waits for one whose core was taken spins; sleeping is four
    times faster then. The variable is read when torch loads, so the program starts itself again.
    """
    os.nice(19)
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.execv(sys.executable, sys.orig_argv)


def wait_while_paused(folder: Path) -> float:
    """Sleep while the run folder has a file `PAUSE`; seconds slept."""
    started = time.monotonic()
    paused = False
    while (folder / PAUSE_FILE).exists():
        paused = True
        time.sleep(PAUSE_POLL_S)
    return time.monotonic() - started if paused else 0.0
