"""A hole that an action opens in a document, for the completion model to fill."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from context.documents.document import Document
from context.documents.indentation import columns

_HAS_BODY = re.compile(r":\s+[^\s#]")  # on the line of the header, as in `except ValueError: pass`
_ENDS_HEADER = re.compile(r":\s*(?:#.*)?$")
_IN_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}")
# Returns the offset in the model's text at which the fill ends, or None while it has not ended.
FindEnd = Callable[[str], int | None]


@dataclass(frozen=True)
class ActionHole:
    """A hole from `start` to `end`: `before`, the fill and `after` replace the text between these offsets.

    With a `body_indent`, the fill is a header, such as that of an `except`, and a body in this indentation.
    """

    title: str
    start: int
    end: int
    before: str
    after: str
    find_end: FindEnd
    max_tokens: int = 512
    after_lines: str | None = None  # replaces `after` when the fill has several lines
    body_indent: str | None = None

    def replacement(self, fill: str) -> str:
        """Return the text that replaces the range."""
        several = "\n" in fill and self.after_lines is not None
        return self.before + fill + (self.after_lines or "" if several else self.after)

    def text_with_hole(self, document: Document) -> str:
        """Return the document's text with the hole in it; the model writes at `cursor`."""
        return document.text[: self.start] + self.before + self.after + document.text[self.end :]

    def body_hole(self, fill: str) -> "ActionHole | None":
        """Return the hole for the body below a fill that is a header alone; None where the fill needs no more."""
        header = fill.strip()
        if self.body_indent is None or "\n" in header:
            return None
        is_braced = self.after.lstrip().startswith("}")
        if is_braced != header.endswith("{") or (not is_braced and _HAS_BODY.search(_IN_BRACKETS.sub("", header))):
            return None
        colon = "" if is_braced or _ENDS_HEADER.search(header) else ":"
        before = f"{self.before}{header}{colon}\n{self.body_indent}"
        find_end = at_dedent(columns(self.body_indent))
        return replace(self, before=before, find_end=find_end, body_indent=None)

    @property
    def cursor(self) -> int:
        return self.start + len(self.before)


def at_dedent(least_columns: int) -> FindEnd:
    """End a fill before its first line, apart from line one, that is indented less than `least_columns`."""

    def end_of(text: str) -> int | None:
        start = text.find("\n") + 1
        while start:
            line = text[start:].split("\n", 1)[0]
            if line.strip() and columns(line) < least_columns:
                return start - 1
            start = text.find("\n", start) + 1
        return None

    return end_of


def at_mark(mark: str) -> FindEnd:
    """End a fill before the first `mark`."""
    return lambda text: text.find(mark) if mark in text else None


def at_end_of_comment(marker: str) -> FindEnd:
    """End a fill after the last line of a comment whose lines begin with `marker`."""
    next_code = re.compile(rf"\n(?![ \t]*{re.escape(marker)})[^\n]*\S|\n[ \t]*\n")

    def end_of(text: str) -> int | None:
        found = next_code.search(text)
        return found.start() if found else None

    return end_of


def at_line_end(text: str) -> int | None:
    """End a fill at the end of its first line."""
    return text.find("\n") if "\n" in text else None
