"""The state that next edits are found in: the texts, the recent edits and the diagnostics."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from context.documents.document import Document
from context.documents.edits import Edit, edits_after
from context.documents.snapshot import Snapshot
from context.index.workspace import Workspace
from context.next_edit.proposal import Diagnostic
from lsp_server.next_edit.next_edit import NextEdit


@dataclass(frozen=True)
class EditState:
    """The texts and the cursor, the recent edits, the most recent first, and what is wrong in the document."""

    snapshot: Snapshot
    edits: tuple[Edit, ...]
    diagnostics: tuple[Diagnostic, ...]
    workspace: Workspace | None
    root: Path | None  # of the document at the cursor, as the editor names it

    @property
    def documents(self) -> tuple[Document, ...]:
        """The open documents, that of the cursor first."""
        return (self.snapshot.document, *self.snapshot.open_documents)

    @property
    def index_changes(self) -> int:
        """The number of changes of the workspace's index so far."""
        return self.workspace.changes if self.workspace is not None else 0

    def after(self, edit: NextEdit) -> "EditState":
        """Return the state after the acceptance of an edit, with the cursor behind its text."""
        changed, path = edit.changed, edit.document.path
        others = tuple(document for document in self.documents if document.path != path)
        edits = edits_after(self.edits, edit.document, changed, time.monotonic())
        is_here = self.snapshot.document.path == path
        diagnostics = _moved(self.diagnostics, edit) if is_here else ()
        snapshot = Snapshot(changed, edit.start + len(edit.text), others)
        return replace(self, snapshot=snapshot, edits=edits, diagnostics=diagnostics)

    def has_texts_of(self, other: "EditState") -> bool:
        """Return whether the user is in the same document of both, and all open documents have the same texts."""
        here, there = self.snapshot.document, other.snapshot.document
        return (here.path, here.text) == (there.path, there.text) and _texts(self) == _texts(other)


def _texts(state: EditState) -> dict[str, str]:
    return {document.path: document.text for document in state.documents}


def _moved(diagnostics: Sequence[Diagnostic], edit: NextEdit) -> tuple[Diagnostic, ...]:
    """Return the diagnostics where they stand after the edit, without those that the edit touches."""
    grown = len(edit.text) - (edit.end - edit.start)
    before = [found for found in diagnostics if found.end <= edit.start]
    behind = [found for found in diagnostics if found.start >= edit.end and found not in before]
    moved = [
        Diagnostic(found.start + grown, found.end + grown, found.message, found.code, found.source) for found in behind
    ]
    return (*before, *moved)
