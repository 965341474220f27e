"""The open workspaces: one for each root, however many sessions look at it."""

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

from context.index.indexer_process import IndexerProcess
from context.index.workspace import Workspace

_log = logging.getLogger(__name__)

# Called on a workspace's thread: how many of how many files are read; 0 of 0 when that is over.
OnProgress = Callable[[int, int], None]


class _Shared:
    """A workspace with the followers of its progress. Another thread reads the tuple, so it is replaced."""

    def __init__(self) -> None:
        self.workspace: Workspace | None = None
        self.followers: tuple[OnProgress, ...] = ()
        self.progress = (0, 0)

    def note(self, done: int, total: int) -> None:
        self.progress = (done, total)
        for follower in self.followers:
            follower(done, total)


class SharedWorkspaces:
    """Opens and closes workspaces for all sessions. Lives on the event loop; workspaces have threads of their own."""

    def __init__(self, indexer: IndexerProcess | None = None) -> None:
        """Without an `indexer`, each workspace reads its files on a thread of its own."""
        self._open: dict[str, _Shared] = {}
        self._indexer = indexer

    def acquire(self, root: Path, follower: OnProgress) -> Workspace | None:
        """Return the workspace of this root, opened for the first caller; None where there is none. Returns at once.

        Each call needs a `release` with the same follower.
        """
        shared = self._open.setdefault(_key(root), _Shared())
        shared.followers += (follower,)
        if len(shared.followers) == 1:
            shared.workspace = start_workspace(root, shared.note, self._indexer)
        return shared.workspace

    def release(self, follower: OnProgress) -> None:
        """Close the follower's workspace when no other session looks at it."""
        # The root may be a link that points elsewhere by now.
        key = next(key for key, shared in self._open.items() if any(one is follower for one in shared.followers))
        shared = self._open[key]
        shared.followers = tuple(other for other in shared.followers if other is not follower)
        if shared.followers:
            return
        del self._open[key]
        if shared.workspace is not None:  # to wait for its thread would stall the editor
            threading.Thread(target=shared.workspace.close, name="midspan-close").start()

    def opened(self) -> list[tuple[Workspace, tuple[int, int]]]:
        """Return the open workspaces, each with how many of how many files are read; 0 of 0 when all are."""
        return [(shared.workspace, shared.progress) for shared in self._open.values() if shared.workspace is not None]

    @property
    def count(self) -> int:
        """The number of open workspaces."""
        return sum(shared.workspace is not None for shared in self._open.values())


def start_workspace(root: Path, on_progress: OnProgress, indexer: IndexerProcess | None = None) -> Workspace | None:
    """Open a workspace. None for what is no folder, and for what holds the user's home, which takes hours to index."""
    if not _is_folder(root) or _holds_home(root):
        _log.info("%s is no workspace; of its files only those that are open are read", root)
        return None
    workspace = Workspace(root, on_progress=on_progress, indexer=indexer)
    workspace.start()
    return workspace


def _is_folder(root: Path) -> bool:
    try:
        return root.is_dir()
    except OSError:  # a name that is too long, a server that does not answer
        return False


def _holds_home(root: Path) -> bool:
    """Tell whether this is the user's home or a folder around it, however it is written: by links, "..", /proc."""
    try:
        home = Path(os.path.realpath(Path.home()))
    except RuntimeError:  # the system does not know the user
        home = Path(root.anchor or "/")
    real = Path(os.path.realpath(root))
    return any(_is_same(real, above) for above in (home, *home.parents))


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one == other or one.samefile(other)  # one folder may be mounted at two places
    except OSError:
        return False


def _key(root: Path) -> str:
    """Return one key for all spellings of a root, which have one index."""
    return os.path.realpath(root)
