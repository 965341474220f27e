"""Where a completion goes, and what the model sees there."""

from dataclasses import dataclass, replace

from lsprotocol import types

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from lsp_server.rpc.positions import offsets_of, position_of
from midspan import DocumentError


@dataclass(frozen=True)
class Insertion:
    """What replaces `document.text[start:end]` begins with `given`: the entry that is selected in the editor's menu.

    In the snapshot that entry has been chosen, and the cursor stands behind it. Without a menu nothing is given, and
    nothing is replaced.
    """

    document: Document
    start: int
    end: int
    given: str
    snapshot: Snapshot
    range: types.Range

    def filter_text(self, text: str) -> str:
        """What an editor compares with the text in the range, to hide the item when it does not begin so any more."""
        there = self.document.text[self.start : self.end]
        return text if text.startswith(there) else there + text.removeprefix(self.given)


def insertion_at(
    snapshot: Snapshot, selected: types.SelectedCompletionInfo | None, encoding: types.PositionEncodingKind
) -> Insertion:
    """The cursor, or what is selected in a menu there. Raises DocumentError when there is no such place."""
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
