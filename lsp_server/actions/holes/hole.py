"""A hole that an action makes in a document for the model to fill."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from context.documents.document import Document
from context.documents.indentation import columns

# Where in a text of the model's the fill ends, or None when it has not ended yet.
Ending = Callable[[str], int | None]


@dataclass(frozen=True)
class Hole:
    """What stands from `start` to `end` gives way to `before`, the fill and `after`."""

    title: str
    start: int
    end: int
    before: str
    after: str
    ending: Ending
    max_tokens: int = 512
    after_lines: str | None = None  # in place of `after` when the fill has several lines

    def filled(self, fill: str) -> str:
        """What takes the place of the range."""
        several = "\n" in fill and self.after_lines is not None
        return self.before + fill + (self.after_lines or "" if several else self.after)

    def dug(self, document: Document) -> str:
        """The document's text with the hole in it, which is at `cursor`."""
        return document.text[: self.start] + self.before + self.after + document.text[self.end :]

    @property
    def cursor(self) -> int:
        return self.start + len(self.before)


def at_dedent(least_columns: int) -> Ending:
    """A fill ends before the first of its lines, its own beginning aside, that is indented less than so."""

    def end_of(text: str) -> int | None:
        start = text.find("\n") + 1
        while start:
            line = text[start:].split("\n", 1)[0]
            if line.strip() and columns(line) < least_columns:
                return start - 1
            start = text.find("\n", start) + 1
        return None

    return end_of


def at_mark(mark: str) -> Ending:
    """A fill ends before the first place where this stands."""
    return lambda text: text.find(mark) if mark in text else None


def at_end_of_comment(marker: str) -> Ending:
    """A fill ends with the last line that continues a comment of lines with this marker."""
    next_code = re.compile(rf"\n(?![ \t]*{re.escape(marker)})[^\n]*\S|\n[ \t]*\n")

    def end_of(text: str) -> int | None:
        found = next_code.search(text)
        return found.start() if found else None

    return end_of


def at_line_end(text: str) -> int | None:
    """A fill is what is left of a line."""
    return text.find("\n") if "\n" in text else None
