"""The workspaces of one connection: for each root what is known of its files, and what the last prompts showed."""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pygls import uris

from context.placement import Placement
from context.workspace import Workspace

_log = logging.getLogger(__name__)

# Called on a workspace's thread: the root, and how many of how many files are read; 0 of 0 when that is over.
OnProgress = Callable[[Path, int, int], None]


@dataclass(frozen=True)
class Surroundings:
    """`workspace` is None for a document that is in no root: of such, only the open buffers are known."""

    workspace: Workspace | None
    placement: Placement


class Workspaces:
    """Lives on the event loop; what it opens reads the disk on threads of its own."""

    def __init__(self, on_progress: OnProgress = lambda root, done, total: None) -> None:
        self.on_progress = on_progress
        self._opened: dict[Path, Surroundings] = {}
        self._outside = Surroundings(None, Placement())

    def open(self, roots: Iterable[Path]) -> None:
        """Makes these the roots. Returns at once; their indexes are built in the background."""
        wanted = dict.fromkeys(roots)
        for root in self._opened.keys() - wanted.keys():
            self._close(root)
        for root in wanted.keys() - self._opened.keys():
            workspace = start_workspace(root, partial(self.on_progress, root))
            if workspace is not None:
                self._opened[root] = Surroundings(workspace, Placement())

    def of(self, uri: str) -> Surroundings:
        """Those of the innermost root that holds the document."""
        path = uris.to_fs_path(uri) if uri.startswith("file:") else None
        holding = [root for root in self._opened if path and Path(path).is_relative_to(root)]
        if not holding:
            return self._outside
        return self._opened[max(holding, key=lambda root: len(root.parts))]

    def close(self) -> None:
        """Ends their threads. May be called twice."""
        for root in list(self._opened):
            self._close(root)

    def _close(self, root: Path) -> None:
        workspace = self._opened.pop(root).workspace
        if workspace is not None:  # to wait for its thread would stall the editor
            threading.Thread(target=workspace.close, name="midspan-close").start()


def start_workspace(root: Path, on_progress: Callable[[int, int], None]) -> Workspace | None:
    """None where there is none: no folder, or the whole disk or all that the user owns, which would take hours."""
    if not root.is_dir() or root in (Path(root.anchor), Path.home()):
        _log.info("%s is no workspace; of its files only those that are open are read", root)
        return None
    workspace = Workspace(root, on_progress=on_progress)
    workspace.start()
    return workspace
