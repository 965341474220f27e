"""The choice of the prompts whose pages the engine may keep on the disk, to be warm after a restart."""

from dataclasses import dataclass
from pathlib import Path

from context.index.workspace import Workspace
from context.prompt.pack import Pack
from inference.api import KeptPages


@dataclass(frozen=True)
class KeptPrompts:
    """The prompts of a workspace are kept while the setting allows any bytes; outside of a workspace none are."""

    workspace: Workspace | None = None
    most_bytes: int = 0

    def folder(self) -> Path | None:
        """Return the folder for the prompt that is packed next; None: its pages are not kept.

        Ask before packing: when a file has to leave meanwhile, the folder is no more. When the user wants nothing
        kept, what is there is removed.
        """
        if self.workspace is None:
            return None
        if not self.most_bytes:
            self.workspace.forget_pages()
            return None
        return self.workspace.page_folder()

    def keep(self, packed: Pack, folder: Path | None) -> KeptPages | None:
        """Return where the pages of a packed prompt may be kept, if they may.

        All files in the prompt have to be in the index: it knows when a rule begins to match one of them.
        """
        if folder is None or self.workspace is None:
            return None
        is_known = self.workspace.has_indexed(segment.path for segment in packed.segments)
        return self._pages_in(folder) if is_known else None

    def readable(self) -> KeptPages | None:
        """Return where the pages of earlier prompts are, for a request that keeps none itself."""
        folder = self.folder()
        return None if folder is None else self._pages_in(folder)

    def _pages_in(self, folder: Path) -> KeptPages:
        return KeptPages(folder.parent.parent, folder, self.most_bytes)
