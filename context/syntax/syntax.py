"""Parts a text into definitions and chunks: by its syntax where there is a grammar, else by its blank lines."""

from collections.abc import Sequence
from dataclasses import dataclass

from context.documents.work_limit import WorkLimit, WorkLimitError
from context.syntax.bounded_parse import parse_within
from context.syntax.grammars import grammar
from context.syntax.symbols import Symbol, find_symbols

_MIN_CHUNK_LINES = 12
_MAX_CHUNK_LINES = 60


@dataclass(frozen=True)
class Chunk:
    """The lines from `first_line` to before `end_line`. The chunks of a text are all of its lines."""

    first_line: int
    end_line: int


@dataclass(frozen=True)
class Outline:
    """The definitions of a text, in its order, and its chunks.

    `why_plain`: why a text of a known language was read without its syntax, "" where it was read with it.
    """

    symbols: Sequence[Symbol]
    chunks: Sequence[Chunk]
    why_plain: str = ""


def parse(language: str, text: str, lines: Sequence[str], limit: WorkLimit) -> Outline:
    """Return the outline of a text. A text whose syntax takes too long is parted by its blank lines."""
    try:
        symbols = _definitions(language, text, lines, limit)
    except WorkLimitError as error:
        return plain_outline(lines, str(error))
    if not symbols:
        return plain_outline(lines)
    return Outline(symbols, _chunks(len(lines), sorted({symbol.first_line for symbol in symbols})))


def plain_outline(lines: Sequence[str], why_plain: str = "") -> Outline:
    """Return the outline of a text by its blank lines."""
    return Outline([], _chunks(len(lines), _paragraphs(lines)), why_plain)


def _definitions(language: str, text: str, lines: Sequence[str], limit: WorkLimit) -> list[Symbol]:
    found = grammar(language)
    # A file with CR alone would be one line to tree-sitter, and the places would disagree.
    if found is None or ("\r" in text and "\r" in text.replace("\r\n", "\n")):
        return []
    data = text.encode("utf-8", "replace")
    return find_symbols(parse_within(found, data, limit), found.rules, data, lines, limit)


def _paragraphs(lines: Sequence[str]) -> list[int]:
    """Return the lines at which a text without syntax may be parted: unindented lines after a blank one."""
    return [
        number
        for number in range(1, len(lines))
        if lines[number].strip() and not lines[number - 1].strip() and not lines[number][0].isspace()
    ]


def _chunks(line_count: int, starts: Sequence[int]) -> list[Chunk]:
    """Part the lines at definitions into chunks that are neither too small to tell anything nor too large to show."""
    chunks: list[Chunk] = []
    first = 0
    for start in (*starts, line_count):
        while start - first > _MAX_CHUNK_LINES:
            chunks.append(Chunk(first, first + _MAX_CHUNK_LINES))
            first += _MAX_CHUNK_LINES
        if start - first >= _MIN_CHUNK_LINES:
            chunks.append(Chunk(first, start))
            first = start
    if first < line_count:
        if chunks and line_count - first < _MIN_CHUNK_LINES:
            first = chunks.pop().first_line
        chunks.append(Chunk(first, line_count))
    return chunks
