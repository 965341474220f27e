"""A repository in the state in which passages are typed, with an index that is up to date."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from context.index.workspace import Workspace
from evaluation.typist.passages import Passage
from lsp_server.server.shared_workspaces import SharedWorkspaces

_INDEX_WITHIN_S = 120.0


def _as_it_is() -> None:
    """The files of an archive have one state."""


@dataclass(frozen=True)
class Workplace:
    """Passages of a repository; `enter` brings the files under its root into the state in which they are typed.

    Workplaces of one name are one repository in the figures.
    """

    name: str
    root: Path
    passages: Sequence[Passage]
    enter: Callable[[], object] = _as_it_is

    @property
    def lines(self) -> int:
        return sum(passage.lines for passage in self.passages)


@contextmanager
def open_in_turn(places: Sequence[Workplace]) -> Iterator[tuple[SharedWorkspaces, Iterator[Workplace]]]:
    """Give the workspaces and, one after the other, the workplaces, each entered and with its state in the index.

    A root has one workspace to the end: the next state of its files is read by the same index. Entering raises
    SettingsError.
    """
    workspaces = SharedWorkspaces()
    opened: dict[Path, Workspace | None] = {}

    def follow(done: int, total: int) -> None:
        """The progress is not shown."""

    def entered() -> Iterator[Workplace]:
        for place in places:
            place.enter()
            workspace = opened.get(place.root)
            if workspace is not None:
                workspace.mark_dirty("")
            else:
                workspace = opened[place.root] = workspaces.acquire(place.root, follow)
            if workspace is not None:
                workspace.wait_until_settled(_INDEX_WITHIN_S)
            yield place

    try:
        yield workspaces, entered()
    finally:
        for _ in opened:
            workspaces.release(follow)
