"""Lines of the repository by their beginnings: the lines that go on as the user's line does, with those behind them.

A table of FTS5 has a word for each line of a chunk: the line's beginning without its indentation, in hexadecimal, so
that a line is found by the first characters of that word. This costs half as much time to write as an ordinary index.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from context.index.database import Database

_KEY_CHARACTERS = 24  # of a line without its indentation: more would tell few lines apart, and cost room
_FEWEST_CHARACTERS = 6  # of a beginning: shorter ones, such as `else:`, go on in every way
_MOST_CHUNK_CHARACTERS = 50_000  # a longer chunk is data
_MOST_CHUNKS = 500  # that have a beginning: one that is more common, such as `self.`, tells nothing
_READ_CHUNKS = 16  # the nearest, in the order of the files' paths
_SHOWN_BEFORE = 300  # characters
_SHOWN_BEHIND = 900

Read = Callable[[str, Iterable[object]], list[tuple[Any, ...]]]


@dataclass(frozen=True)
class FoundLine:
    """A line of a file of the index, its secrets masked: the text before it, and the text from its first word on."""

    path: str
    before: str
    text: str


def write_lines(database: Database, chunk_id: int | None, text: str) -> None:
    """Add the lines of a chunk. The caller holds the write lock. Raises sqlite3.Error."""
    database.write("INSERT INTO lines(rowid, beginnings) VALUES (?, ?)", (chunk_id, _beginnings(text)))


def remove_lines(database: Database, chunks: Iterable[tuple[int, str]]) -> None:
    """Remove the lines of chunks, which have these texts. The caller holds the write lock. Raises sqlite3.Error."""
    database.write_many(
        "INSERT INTO lines(lines, rowid, beginnings) VALUES ('delete', ?, ?)",
        [(chunk_id, _beginnings(text)) for chunk_id, text in chunks],
    )


def find_lines(read: Read, beginning: str, near: str) -> list[FoundLine]:
    """Return lines of the index that begin so, those first whose text is the most frequent.

    `near` is the path of a file: of many lines, those of the files around it are read. `read` runs a statement.
    """
    if len(beginning.rstrip()) < _FEWEST_CHARACTERS:
        return []
    rows = read("SELECT rowid FROM lines WHERE lines MATCH ? LIMIT ?", (_query(beginning), _MOST_CHUNKS + 1))
    if len(rows) > _MOST_CHUNKS:
        return []
    here = read("SELECT c.id FROM chunks c JOIN files f ON f.id = c.file_id WHERE f.path = ? LIMIT 1", (near,))
    place = here[0][0] if here else 0
    nearest = sorted((chunk_id for (chunk_id,) in rows), key=lambda chunk_id: abs(chunk_id - place))[:_READ_CHUNKS]
    found = list(_lines_of(read, nearest, beginning))
    times = Counter(line.text.partition("\n")[0] for line in found)
    return sorted(found, key=lambda line: -times[line.text.partition("\n")[0]])


def _beginnings(text: str) -> str:
    if len(text) > _MOST_CHUNK_CHARACTERS:
        return ""
    keys = {line.strip()[:_KEY_CHARACTERS] for line in text.split("\n")}
    return " ".join([key.encode().hex() for key in keys if len(key) >= _FEWEST_CHARACTERS])


def _query(beginning: str) -> str:
    """Return the FTS5 query for the lines with a beginning; the key of a longer one is the whole word."""
    key = beginning[:_KEY_CHARACTERS]
    return f'"{key.encode().hex()}"' + ("*" if len(beginning) < _KEY_CHARACTERS else "")


def _lines_of(read: Read, chunk_ids: Sequence[int], beginning: str) -> Iterator[FoundLine]:
    marks = ", ".join("?" * len(chunk_ids))
    sql = f"SELECT c.id, f.path, c.text FROM chunks c JOIN files f ON f.id = c.file_id WHERE c.id IN ({marks})"
    found = {chunk_id: (path, text) for chunk_id, path, text in read(sql, chunk_ids)}
    start = re.compile(rf"^[ \t]*+(?={re.escape(beginning)})", re.MULTILINE)
    for path, text in (found[chunk_id] for chunk_id in chunk_ids if chunk_id in found):
        for match in start.finditer(text):
            at = match.end()
            yield FoundLine(path, text[max(0, at - _SHOWN_BEFORE) : at], text[at : at + _SHOWN_BEHIND])
