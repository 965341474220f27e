"""An instruction in a comment of the file: `# midspan: …`. The edit deletes the comment."""

import re
from dataclasses import dataclass

from context.documents.document import Document
from context.documents.indentation import columns
from lsp_server.actions.rewrites.selection import expand_selection, selected_lines

_COMMENT = re.compile(
    r"""[ \t]*(?:\#|//|--|;+|%|'|"|/\*|<!--|\(\*)[ \t]*midspan:[ \t]*(?P<text>\S.*?)[ \t]*(?:\*/|-->|\*\))?\s*""",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Instruction:
    """The text of a comment on `line`, about the lines from `first` to `last`.

    An instruction about no lines, with `last` before `first`, asks for new code.
    """

    text: str
    line: int
    first: int
    last: int

    @property
    def asks_for_new_code(self) -> bool:
        return self.last < self.first


def find_instruction(document: Document, start: int, end: int) -> Instruction | None:
    """Find an instruction in a selection, about all of it; or at the cursor or a line above, about the code below."""
    if start != end:
        first, last = selected_lines(document, start, end)
        found = _first_comment(document, first, last)
        if found is None:
            return None
        line, text = found
        is_alone = not any(document.lines[other].strip() for other in range(first, last + 1) if other != line)
        return _about_code_below(document, line, text) if is_alone else Instruction(text, line, first, last)
    line, _ = document.position_at(start)
    found = _first_comment(document, max(0, line - 1), line)
    return _about_code_below(document, *found) if found else None


def _first_comment(document: Document, first: int, last: int) -> tuple[int, str] | None:
    for line in range(first, last + 1):
        if match := _COMMENT.fullmatch(document.lines[line]):
            return line, match["text"]
    return None


def _about_code_below(document: Document, line: int, text: str) -> Instruction:
    """Return an instruction about the code that begins on the next line, unless that is indented less."""
    below = line + 1
    if below >= len(document.lines) or not document.lines[below].strip():
        return Instruction(text, line, below, line)
    if columns(document.lines[below]) < columns(document.lines[line]):
        return Instruction(text, line, below, line)
    first, last = expand_selection(document, below, below)
    if first < line:  # the code around holds the comment too; only the lines below are meant
        first = below
    return Instruction(text, line, first, last)
