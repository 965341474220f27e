"""The state of processes that end at any moment."""

import psutil


def has_ended(pid: int) -> bool:
    """Return whether the process has ended, whether or not somebody has taken note of its end."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
