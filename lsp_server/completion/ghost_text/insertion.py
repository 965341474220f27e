"""The place of a completion, and the document as the model sees it there."""

from dataclasses import dataclass, replace

from lsprotocol import types

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from lsp_server.rpc.positions import offsets_of, position_of
from midspan import DocumentError


@dataclass(frozen=True)
class Insertion:
    """A completion for `document.text[start:end]` that begins with `given`, the entry selected in the editor's menu.

    In the snapshot the entry has been chosen, and the cursor stands behind it. Without a menu `given` is empty, and
    nothing is replaced.
    """

    document: Document
    start: int
    end: int
    given: str
    snapshot: Snapshot
    range: types.Range

    def filter_text(self, text: str) -> str:
        """Return the text that an editor compares with the range, to hide an item that no longer fits."""
        there = self.document.text[self.start : self.end]
        return text if text.startswith(there) else there + text.removeprefix(self.given)


def insertion_at(
    snapshot: Snapshot, selected: types.SelectedCompletionInfo | None, encoding: types.PositionEncodingKind
) -> Insertion:
    """Return the insertion at the cursor, or at the entry selected in a menu. Raises DocumentError."""
    document = snapshot.document
    start = end = snapshot.cursor
    given = ""
    if selected is not None:
        start, end = offsets_of(document, selected.range, encoding)
        if not start <= snapshot.cursor <= end:
            raise DocumentError("The entry that is selected in the editor's menu does not stand at the cursor.")
        given = selected.text
        text = document.text[:start] + given + document.text[end:]
        snapshot = replace(snapshot, document=replace(document, text=text), cursor=start + len(given))
    where = types.Range(position_of(document, start, encoding), position_of(document, end, encoding))
    return Insertion(document, start, end, given, snapshot, where)
