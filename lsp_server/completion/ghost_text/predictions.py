"""Recent predictions of one document: typing them needs no engine."""

import re
from collections import deque
from itertools import takewhile

from context.documents.snapshot import Snapshot
from lsp_server.completion.ghost_text.placed_text import PlacedText

_KEPT = 16
_KEPT_OUTPUTS = 6
_BEGUN_WORD = re.compile(r"\A\w+")


class Predictions:
    """Deleting back to the place of an earlier prediction finds it again."""

    def __init__(self) -> None:
        self._kept: deque[tuple[PlacedText, int]] = deque(maxlen=_KEPT)
        self._outputs: deque[PlacedText] = deque(maxlen=_KEPT_OUTPUTS)

    def remember(self, snapshot: Snapshot, text: str, max_lines: int) -> None:
        """Keep what the engine wrote at the snapshot's cursor when it was allowed `max_lines`."""
        self._kept.append((PlacedText(snapshot.document.text, snapshot.cursor, snapshot.cursor, text), max_lines))

    def forget(self) -> None:
        """Forget the predictions; the outputs stay, which are only tried."""
        self._kept.clear()

    def rest_at(self, snapshot: Snapshot, max_lines: int) -> str:
        """Return the rest of the newest prediction that holds here and was allowed as many lines, or ""."""
        for prediction, lines in reversed(self._kept):
            if lines < max_lines:
                continue
            progress = prediction.progress_in(snapshot.document.text, cursor=snapshot.cursor)
            if progress is not None and progress.rest:
                return progress.rest
        return ""

    def remember_output(self, snapshot: Snapshot, text: str) -> None:
        """Keep what the model wrote at the snapshot's cursor, whether it was shown or not."""
        self._outputs.append(PlacedText(snapshot.document.text, snapshot.cursor, snapshot.cursor, text))

    def outputs_at(self, snapshot: Snapshot) -> tuple[str, ...]:
        """Return what the model may write here again, by what it wrote at this place before; the newest first."""
        rests = (_rest_behind(output, snapshot) for output in reversed(self._outputs))
        return tuple(dict.fromkeys(rest for rest in rests if rest))


def _rest_behind(output: PlacedText, snapshot: Snapshot) -> str:
    """Return what an output goes on with behind the text that the user has typed in its place, "" elsewhere.

    Where the user has typed something else, this is what comes behind the word in which the two part.
    """
    text, cursor = snapshot.document.text, snapshot.cursor
    is_behind = output.start <= cursor <= output.start + len(output.text)
    if not is_behind or len(text) - cursor != len(output.source) - output.end:
        return ""
    if not text.startswith(output.source[: output.start]) or not text.endswith(output.source[output.end :]):
        return ""
    typed = text[output.start : cursor]
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(typed, output.text, strict=False)))
    rest = output.text[same:]
    return rest if same == len(typed) else _BEGUN_WORD.sub("", rest)
