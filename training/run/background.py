"""A run in the background: it yields to everything else on the machine, and a file pauses it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

PAUSE_FILE = "PAUSE"
OUTPUT_FILE = "output.log"
_AUTOGROUP = Path("/proc/self/autogroup")
PAUSE_POLL_S = 2.0


def yield_to_others() -> None:
    """Take the lowest priority: nice 19 and, on Linux, SCHED_IDLE (runs only when no other process wants the core).

    Linux groups processes by their session, and both count only within a group: a process that is alone in its
    session would get as much as all processes of another. So the session gets nice 19 too, unless it has others.

    With OpenMP's default, a thread spins while it waits for another whose core was taken; sleeping is then four
    times faster. glibc's malloc gives large freed tensors back to the system, and a sixth of a step goes by in
    page faults. Both read their variables when the process begins, so the program starts itself again.
    """
    os.nice(19)
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # no Linux, or sessions are not grouped
            _AUTOGROUP.write_text("19", encoding="ascii")
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.environ |= {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**40)}
        os.execv(sys.executable, sys.orig_argv)


def wait_while_paused(folder: Path) -> float:
    """Sleep while the run folder has a file `PAUSE`; return the seconds slept."""
    started = time.monotonic()
    paused = False
    while (folder / PAUSE_FILE).exists():
        paused = True
        time.sleep(PAUSE_POLL_S)
    return time.monotonic() - started if paused else 0.0


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the lock of a run, whose checkpoints only one process may write. Raises SystemExit for a second process."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "LOCK", timeout=0):
            yield
    except Timeout as error:
        raise SystemExit(f"{folder.name!r} is being trained already; its log is in {folder}") from error


def start_in_background(folder: Path, options: Sequence[str]) -> int:
    """Train in a process that outlives this process and its terminal; return its id."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / OUTPUT_FILE).open("a", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "training", *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return process.pid
