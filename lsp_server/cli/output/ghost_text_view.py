"""A file around the cursor with the ghost text in it, for the terminal."""

from context.documents.snapshot import Snapshot
from midspan.visible_text import visible_source_line

_LINES_BEFORE = 8
_LINES_AFTER = 4
_GREY, _PLAIN = "\x1b[90m", "\x1b[0m"
_OPEN, _CLOSE = "«", "»"  # without color


def show_ghost_text(snapshot: Snapshot, ghost_text: str, *, in_grey: bool) -> str:
    """Numbered lines of the file. Ghost text is grey, or between « and »; its lines also have a +."""
    document = snapshot.document
    line, column = document.position_at(snapshot.cursor)
    first = max(0, line - _LINES_BEFORE)
    start, end = (_GREY, _PLAIN) if in_grey else (_OPEN, _CLOSE)
    plain = [visible_source_line(text) for text in document.lines[first : line + 1 + _LINES_AFTER]]
    here = visible_source_line(document.lines[line])
    filled = [f"{start}{visible_source_line(text)}{end}" for text in ghost_text.split("\n")]
    filled[0] = here[:column] + filled[0]
    filled[-1] += here[column:]
    at = line - first
    shown = [*plain[:at], *filled, *plain[at + 1 :]]
    marks = {at + index for index in range(len(filled))} if ghost_text else set()
    width = len(str(first + len(shown)))
    rows = [
        f"{first + 1 + index:{width}} {'+' if index in marks else ' '} {text}".rstrip()
        for index, text in enumerate(shown)
    ]
    return "\n".join([document.path, *rows])
