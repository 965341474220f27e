"""Conversion between positions of LSP and offsets in a document.

LSP counts lines from 0, and columns in units of the encoding that `initialize` agreed on. Everywhere else in Midspan
an offset counts code points.
"""

from collections.abc import Sequence

from lsprotocol import types

from context.documents.document import Document
from midspan import DocumentError

# Python's name of each encoding, and the bytes of one unit.
_UNITS = {
    types.PositionEncodingKind.Utf8: ("utf-8", 1),
    types.PositionEncodingKind.Utf16: ("utf-16-le", 2),
    types.PositionEncodingKind.Utf32: ("utf-32-le", 4),
}
SUPPORTED_ENCODINGS = frozenset(_UNITS)


def choose_encoding(capabilities: types.ClientCapabilities) -> types.PositionEncodingKind:
    """Return the client's first choice that is supported, UTF-16 if the client offers nothing."""
    offered = capabilities.general.position_encodings if capabilities.general else None
    for encoding in offered or ():
        if encoding in SUPPORTED_ENCODINGS:
            return types.PositionEncodingKind(encoding)
    return types.PositionEncodingKind.Utf16


def offset_of(document: Document, position: types.Position, encoding: types.PositionEncodingKind) -> int:
    """Return the offset of a position. A column past the end of its line means the end of the line, as LSP says.

    Column 0 of the line after the last one is the end of the text: so editors write the end of a whole document.
    Raises DocumentError if the line does not exist or the position is inside a character.
    """
    line, column = place_in(document.lines, position, document.path, encoding)
    return document.line_starts[line] + column


def offsets_of(document: Document, where: types.Range, encoding: types.PositionEncodingKind) -> tuple[int, int]:
    """Return the offsets of both ends of a range, in the client's order. Raises DocumentError as `offset_of` does."""
    return offset_of(document, where.start, encoding), offset_of(document, where.end, encoding)


def place_in(
    lines: Sequence[str], position: types.Position, path: str, encoding: types.PositionEncodingKind
) -> tuple[int, int]:
    """Return the line and the column, in code points, of a position in `lines`. `path` is for DocumentError.

    The rules are those of `offset_of`.
    """
    if position.line >= len(lines):
        if (position.line, position.character) == (len(lines), 0):
            return len(lines) - 1, len(lines[-1])
        raise DocumentError(
            f"{path} has no line {position.line + 1}: it has {len(lines)}. "
            "The editor and the server disagree about the text; reopen the file."
        )
    line = lines[position.line].rstrip("\r\n")
    try:
        return position.line, _column_of_units(line, position.character, encoding)
    except ValueError as error:
        raise DocumentError(
            f"{path}: line {position.line + 1}, {encoding.value} column {position.character} is inside "
            "a character. Send positions in the encoding that the server announced."
        ) from error


def position_of(document: Document, offset: int, encoding: types.PositionEncodingKind) -> types.Position:
    """Return the position of an offset. Raises DocumentError if the offset is outside the text."""
    line, column = document.position_at(offset)
    codec, unit_bytes = _UNITS[encoding]
    before = document.lines[line][:column]
    if before.isascii():
        return types.Position(line, column)
    return types.Position(line, len(before.encode(codec, "surrogatepass")) // unit_bytes)


def _column_of_units(line: str, units: int, encoding: types.PositionEncodingKind) -> int:
    if units == 0 or line.isascii() or encoding == types.PositionEncodingKind.Utf32:
        return min(units, len(line))
    codec, unit_bytes = _UNITS[encoding]
    head = line.encode(codec, "surrogatepass")[: units * unit_bytes]
    before = head.decode(codec, "surrogatepass")  # UnicodeDecodeError is a ValueError
    if not line.startswith(before):  # half of a UTF-16 pair decodes to a lone surrogate
        raise ValueError(f"unit {units} is inside a character")
    return len(before)
