"""A file around the cursor with the completion in it, for the terminal."""

from context.documents.snapshot import Snapshot
from lsp_server.cli.output.terminal_text import visible_text

_LINES_BEFORE = 8
_LINES_AFTER = 4
_GREY, _PLAIN = "\x1b[90m", "\x1b[0m"
_OPEN, _CLOSE = "«", "»"  # where there is no color


def show_fill(snapshot: Snapshot, fill: str, *, in_grey: bool) -> str:
    """Numbered lines. What is filled in is grey, or between « and »; its lines are marked with a + too."""
    document = snapshot.document
    line, column = document.position_at(snapshot.cursor)
    first = max(0, line - _LINES_BEFORE)
    start, end = (_GREY, _PLAIN) if in_grey else (_OPEN, _CLOSE)
    plain = [visible(text) for text in document.lines[first : line + 1 + _LINES_AFTER]]
    here = visible(document.lines[line])
    filled = [f"{start}{visible(text)}{end}" for text in fill.split("\n")]
    filled[0] = here[:column] + filled[0]
    filled[-1] += here[column:]
    at = line - first
    shown = [*plain[:at], *filled, *plain[at + 1 :]]
    marks = {at + index for index in range(len(filled))} if fill else set()
    width = len(str(first + len(shown)))
    rows = [
        f"{first + 1 + index:{width}} {'+' if index in marks else ' '} {text}".rstrip()
        for index, text in enumerate(shown)
    ]
    return "\n".join([document.path, *rows])


def visible(line: str) -> str:
    """Without the line's end and without what would steer the terminal."""
    return visible_text(line.rstrip("\r\n"))
