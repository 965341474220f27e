"""The speed of this machine for commands that show it."""

import sys

from inference.speed.machine_speed import MachineSpeed, read_kept_speed
from inference.threads import let_threads_sleep


def known_speed(*, anew: bool = False) -> MachineSpeed:
    """Read what was measured earlier. Measure when nothing was or `anew`: some seconds, mostly the start of torch."""
    if not anew and (kept := read_kept_speed()) is not None:
        return kept
    if sys.stderr.isatty():
        print("Measuring how fast this machine is ...", file=sys.stderr)
    let_threads_sleep()
    from inference.loader import measure_machine  # here, because it imports torch

    return measure_machine()
