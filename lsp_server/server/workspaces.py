"""The workspaces of one connection: for each root its index, and the packer of the prompts that are asked in it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from context.index.workspace import Workspace
from context.packer import ContextPacker
from lsp_server.rpc.documents import root_of
from lsp_server.server import shared_workspaces
from lsp_server.server.shared_workspaces import SharedWorkspaces

# Called on a workspace's thread: the root, and how many of how many files are read; 0 of 0 when that is over.
OnProgress = Callable[[Path, int, int], None]


@dataclass(frozen=True)
class WorkspaceContext:
    """The surroundings of a document. `workspace` is None for one in no root: only the open buffers are known then."""

    workspace: Workspace | None
    packer: ContextPacker


class Workspaces:
    """The roots of one session. Workspaces are shared with other sessions, packers are not. Lives on the event loop."""

    def __init__(self, shared: SharedWorkspaces, on_progress: OnProgress = lambda root, done, total: None) -> None:
        self.on_progress = on_progress
        self._shared = shared
        self._followers: dict[Path, shared_workspaces.OnProgress] = {}  # of every root
        self._opened: dict[Path, WorkspaceContext] = {}  # of those that are workspaces
        self._outside = WorkspaceContext(None, ContextPacker(None))

    def open(self, roots: Iterable[Path]) -> None:
        """Open these roots and close all others. Returns at once; indexes are built in the background."""
        wanted = dict.fromkeys(roots)
        for root in self._followers.keys() - wanted.keys():
            self._close(root)
        for root in wanted.keys() - self._followers.keys():
            follower = self._followers[root] = partial(self.on_progress, root)
            workspace = self._shared.acquire(root, follower)
            if workspace is not None:
                self._opened[root] = WorkspaceContext(workspace, ContextPacker(workspace))

    def of(self, uri: str) -> WorkspaceContext:
        """Return the context of the innermost root that holds the document."""
        root = root_of(uri, self._opened)
        return self._outside if root is None else self._opened[root]

    def close(self) -> None:
        """Close all roots. May be called twice."""
        for root in list(self._followers):
            self._close(root)

    def _close(self, root: Path) -> None:
        self._opened.pop(root, None)
        self._shared.release(self._followers.pop(root))
