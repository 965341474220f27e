"""What was predicted, so that typing it needs no engine."""

from collections import deque
from dataclasses import dataclass

from context.documents.snapshot import Snapshot

_KEPT = 16
CLOSERS = ")]}\"'`"  # what an editor may put behind the cursor when its opener is typed


@dataclass(frozen=True)
class Prediction:
    """`text` was the answer in `source` at `cursor`, allowed to have `max_lines` lines."""

    source: str
    cursor: int
    text: str
    max_lines: int

    def rest_at(self, snapshot: Snapshot) -> str:
        """What is left of the text when all that happened since is that its beginning was typed; else ""."""
        now, cursor = snapshot.document.text, snapshot.cursor
        if not 0 <= cursor - self.cursor <= 2 * len(self.text):  # a line end may be two characters
            return ""
        typed = now[self.cursor : cursor].replace("\r\n", "\n")
        if not self.text.startswith(typed) or now[: self.cursor] != self.source[: self.cursor]:
            return ""
        rest, after, before = self.text[len(typed) :], now[cursor:], self.source[self.cursor :]
        closers = after.removesuffix(before)
        if typed and set(closers) <= set(CLOSERS) and after.endswith(before) and rest.endswith(closers):
            return rest.removesuffix(closers)  # the editor has closed what was typed
        return rest if after == before else ""


class Predictions:
    """The last predictions of one document. Deleting back to where one was made finds it again."""

    def __init__(self) -> None:
        self._kept: deque[Prediction] = deque(maxlen=_KEPT)

    def remember(self, snapshot: Snapshot, text: str, max_lines: int) -> None:
        """Keeps it in place of the oldest one."""
        self._kept.append(Prediction(snapshot.document.text, snapshot.cursor, text, max_lines))

    def rest_at(self, snapshot: Snapshot, max_lines: int) -> str:
        """The rest of the newest prediction that holds here and was allowed as many lines; "" when none does."""
        for prediction in reversed(self._kept):
            if prediction.max_lines >= max_lines and (rest := prediction.rest_at(snapshot)):
                return rest
        return ""
