"""The cores that the container of this process lets it use."""

import sys
from contextlib import suppress
from pathlib import Path

from midspan.memory import control_groups


def quota_cores(root: Path = Path("/")) -> int | None:
    """Return the least number of whole cores that a control group lets this process use; None: there is no quota.

    All cores of the machine stay visible to a process in such a container, whose threads then wait for each other.
    """
    quotas = []
    for _, folder in control_groups(root) if sys.platform == "linux" else ():
        with suppress(OSError, ValueError):  # "max" is no number
            quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
            quotas.append(max(1, int(quota) // int(period)))
    return min(quotas, default=None)
