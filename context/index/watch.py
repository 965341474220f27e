"""Watches the disk and says which files changed; the listener decides when to read them."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from context.rules.rules import Rules


class Watch(Protocol):
    """Calls `on_change(path)` on a thread of its own, with the path of a file or of a folder that went.

    A change of a file of git outside the tree has a path that begins with ".git/". "" says that anything may have
    changed. Folders that the rules keep out are not watched.
    """

    limit: str  # the limit of the system at which nothing is watched; "" for none

    @property
    def is_alive(self) -> bool:
        """True while changes are reported: not when the root cannot be watched, or has gone away since."""

    def follow(self, rules: Rules) -> None:
        """Watch what these rules let in."""

    def close(self) -> None:
        """End the watch. May be called twice."""


def start_watch(root: Path, rules: Rules, on_change: Callable[[str], None]) -> Watch:
    """Begin to watch a root; a watch that is not alive says in the log why."""
    if sys.platform == "linux":
        from context.index.inotify_watch import InotifyWatch

        return InotifyWatch(root, rules, on_change)
    from context.index.watchdog_watch import WatchdogWatch

    return WatchdogWatch(root, rules, on_change)
