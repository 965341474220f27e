"""Recent predictions of one document: typing them needs no engine."""

from collections import deque

from context.documents.snapshot import Snapshot
from lsp_server.completion.placed_text import PlacedText

_KEPT = 16


class Predictions:
    """Deleting back to the place of an earlier prediction finds it again."""

    def __init__(self) -> None:
        self._kept: deque[tuple[PlacedText, int]] = deque(maxlen=_KEPT)

    def remember(self, snapshot: Snapshot, text: str, max_lines: int) -> None:
        """Keep what the engine wrote at the snapshot's cursor when it was allowed `max_lines`."""
        self._kept.append((PlacedText(snapshot.document.text, snapshot.cursor, snapshot.cursor, text), max_lines))

    def rest_at(self, snapshot: Snapshot, max_lines: int) -> str:
        """Return the rest of the newest prediction that holds here and was allowed as many lines, or ""."""
        for prediction, lines in reversed(self._kept):
            if lines < max_lines:
                continue
            progress = prediction.progress_in(snapshot.document.text, cursor=snapshot.cursor)
            if progress is not None and progress.rest:
                return progress.rest
        return ""
