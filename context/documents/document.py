"""One text at one moment: an editor's buffer or a file on the disk."""

import re
import stat
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate, islice
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from context.documents.file_names import relative_path
from context.documents.languages import language_of, language_of_text, path_comment
from midspan import DocumentError

__all__ = [
    "MAX_DOCUMENT_BYTES",
    "Document",
    "language_of",
    "language_of_text",
    "path_comment",
    "read_document",
    "split_lines",
]

# Larger files are data, and their lines alone would stall an editor.
MAX_DOCUMENT_BYTES = 4 * 1024 * 1024
MAX_DOCUMENT_LINES = 200_000

# The line ends of LSP. str.splitlines knows more (form feed, U+2028), and would disagree with editors.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)")


@dataclass(frozen=True)
class Document:
    """`path` is relative to the root, with "/", where the file is inside it; else absolute.

    `last_results` belongs to a document that an editor has open, and all states of the document share it: what each
    `DocumentCache` computed last, with the state that it was computed from. `opening` is the number of its opening in
    this process. What is made of its text keeps the number; a file has none, which is 0.
    """

    path: str
    text: str
    language: str
    version: int
    last_results: "WeakKeyDictionary[Any, tuple[Document, Any]] | None" = field(default=None, repr=False, compare=False)
    opening: int = field(default=0, repr=False, compare=False)

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """Every line with its end. The last has none, and is empty when the text ends with a line end."""
        return split_lines(self.text)

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        """The offset of every line's first character."""
        return (0, *accumulate(map(len, self.lines[:-1])))

    def with_lines(self, lines: Sequence[str], version: int) -> "Document":
        """Return the state of the document with these lines, which have to be those that `split_lines` finds."""
        later = replace(self, text="".join(lines), version=version)
        later.__dict__["lines"] = tuple(lines)  # where `cached_property` looks: to split the text again takes long
        return later

    def line_end(self, line: int) -> int:
        """Return the offset of the end of a line, before its line end."""
        return self.line_starts[line] + len(self.lines[line].rstrip("\r\n"))

    def written_line(self, line: int) -> int | None:
        """Return the line itself or, for a blank one, the nearest line above that is not blank."""
        return next((number for number in range(line, -1, -1) if self.lines[number].strip()), None)

    def written_below(self, line: int) -> str:
        """Return the nearest line below that is not blank; "" when every line below is."""
        return next((text for text in islice(self.lines, line + 1, None) if text.strip()), "")

    def offset_at(self, line: int, character: int) -> int:
        """Return the offset of a place; a line's end is a place in it. Raises DocumentError for no such place."""
        if not 0 <= line < len(self.lines):
            raise DocumentError(
                f"{self.path} has no line {line + 1}: it has {len(self.lines)}. Give a line within the file."
            )
        length = self.line_end(line) - self.line_starts[line]
        if not 0 <= character <= length:
            raise DocumentError(
                f"{self.path} has no column {character + 1} in line {line + 1}: "
                f"the last one is {length + 1}. Give a column within the line."
            )
        return self.line_starts[line] + character

    def position_at(self, offset: int) -> tuple[int, int]:
        """Return the line and the column of an offset. Raises DocumentError for an offset outside the text."""
        if not 0 <= offset <= len(self.text):
            raise DocumentError(
                f"{self.path} has no offset {offset}: it has {len(self.text)} characters. Give a place within it."
            )
        line = bisect_right(self.line_starts, offset) - 1
        return line, offset - self.line_starts[line]


def split_lines(text: str) -> tuple[str, ...]:
    """Return every line with its end; the last line has none, and may be empty."""
    if "\r" not in text:  # several times faster, and nearly every text
        *whole, last = text.split("\n")
        return (*[line + "\n" for line in whole], last)
    end = max(text.rfind("\n"), text.rfind("\r")) + 1
    # Up to the last line end: in a last line without one, the expression would begin anew at each character.
    return (*_LINE.findall(text, 0, end), text[end:])


def read_document(path: str | Path, root: Path | None = None) -> Document:
    """Read a file as a document of version 0. Raises DocumentError, which names the file and says what to do."""
    data = _read_bytes(Path(path))
    if b"\0" in data:
        raise DocumentError(f"{path} is binary (it holds a zero byte). Name a text file.")
    try:
        text = data.decode("utf-8-sig")  # editors do not show a byte order mark either
    except UnicodeDecodeError as error:
        raise DocumentError(
            f"{path} is not UTF-8 (byte {error.object[error.start]:#04x} at {error.start}). Save it as UTF-8."
        ) from error
    name = relative_path(Path(path), root)
    return Document(name, text, language_of_text(name, text), version=0)


def _read_bytes(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise DocumentError(f"{path} is a folder. Name a file in it.")
        if not stat.S_ISREG(mode):  # to read a pipe or a device could wait for ever
            raise DocumentError(f"{path} is not a regular file. Name a text file.")
        with path.open("rb") as file:
            data = file.read(MAX_DOCUMENT_BYTES + 1)  # the file may grow between the two calls
    except FileNotFoundError as error:
        raise DocumentError(f"{path} does not exist. Check the name.") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DocumentError(f"{path} cannot be read ({reason}). Check its permissions.") from error
    if len(data) > MAX_DOCUMENT_BYTES:
        raise DocumentError(
            f"{path} is larger than {MAX_DOCUMENT_BYTES // 1024**2} MB, the most that is read. "
            "Name a smaller file, or split it."
        )
    return data
