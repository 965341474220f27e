"""How far lines are indented, and by what."""

from collections import Counter

from context.document import Document

_TAB_COLUMNS = 8
_LINES = 2000  # as many tell the style of a file
_DEFAULT = "    "


def indent_of(line: str) -> str:
    """The white space that the line begins with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def columns(line: str) -> int:
    """How wide its indentation is."""
    return len(indent_of(line).expandtabs(_TAB_COLUMNS))


def unit_of(document: Document) -> str:
    """What one more level adds, as most lines of the file do it."""
    steps: Counter[str] = Counter()
    before = ""
    for line in document.lines[:_LINES]:
        if not line.strip():
            continue
        indent = indent_of(line)
        if indent.startswith(before) and indent != before:
            steps[indent[len(before) :]] += 1
        before = indent
    return steps.most_common(1)[0][0] if steps else _DEFAULT


def line_end(document: Document, line: int) -> int:
    """The offset of the end of a line, before its line end."""
    return document.line_starts[line] + len(document.lines[line].rstrip("\r\n"))


def written_line(document: Document, line: int) -> int | None:
    """The line itself or, of one that is blank, the nearest above with something in it."""
    return next((number for number in range(line, -1, -1) if document.lines[number].strip()), None)
