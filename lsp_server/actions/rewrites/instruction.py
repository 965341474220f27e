"""An instruction that stands in the file as a comment: `# midspan: …`. The edit takes it away."""

import re
from dataclasses import dataclass

from context.documents.document import Document
from context.documents.indentation import columns
from lsp_server.actions.rewrites.part import lines_of_range, part_around

_COMMENT = re.compile(
    r"""[ \t]*(?:\#|//|--|;+|%|'|"|/\*|<!--|\(\*)[ \t]*midspan:[ \t]*(?P<said>\S.*?)[ \t]*(?:\*/|-->|\*\))?\s*""",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Instruction:
    """`line` holds the comment. It is about the lines from `first` to `last`; of no lines, it asks for new code."""

    said: str
    line: int
    first: int
    last: int

    @property
    def asks_for_new_code(self) -> bool:
        return self.last < self.first


def instruction_at(document: Document, start: int, end: int) -> Instruction | None:
    """In a selection that is about all of it; at a cursor or on the line above, about what comes next."""
    if start != end:
        first, last = lines_of_range(document, start, end)
        found = _first_said(document, first, last)
        if found is None:
            return None
        line, said = found
        is_alone = not any(document.lines[other].strip() for other in range(first, last + 1) if other != line)
        return _about_next(document, line, said) if is_alone else Instruction(said, line, first, last)
    line, _ = document.position_at(start)
    found = _first_said(document, max(0, line - 1), line)
    return _about_next(document, *found) if found else None


def _first_said(document: Document, first: int, last: int) -> tuple[int, str] | None:
    for line in range(first, last + 1):
        if match := _COMMENT.fullmatch(document.lines[line]):
            return line, match["said"]
    return None


def _about_next(document: Document, line: int, said: str) -> Instruction:
    """About the definition or the like that begins right below, at the comment's own indentation."""
    below = line + 1
    if below >= len(document.lines) or not document.lines[below].strip():
        return Instruction(said, line, below, line)
    if columns(document.lines[below]) < columns(document.lines[line]):
        return Instruction(said, line, below, line)
    first, last = part_around(document, below, below)
    if first < line:  # the part holds the comment; what follows it there is meant
        first = below
    return Instruction(said, line, first, last)
