"""Texts of the repository that probably stand at the cursor: they follow the same beginning, or the same line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from context.documents.snapshot import Snapshot
from context.index.line_beginnings import FoundLine, find_lines
from context.index.workspace import Workspace

_MOST_TEXTS = 6
_LINES_BEFORE = 3  # that are compared
_READ_BEFORE = 2000  # characters: the lines before the cursor stand in these


@dataclass(frozen=True)
class _Place:
    """The text before the cursor that other places are compared with.

    `begun` is the line as far as it is written, without its indentation. `lines` are those above that are not blank,
    the nearest first.
    """

    begun: str
    lines: Sequence[str]


def next_lines(snapshot: Snapshot, workspace: Workspace, max_lines: int) -> tuple[str, ...]:
    """Return texts that may stand at the cursor, the likeliest first, each `max_lines` long at most.

    They come from files that are not open: of an open one, the index knows an older text. Secrets are masked in the
    snapshot, as they are in the index.
    """
    written = snapshot.document.text[max(0, snapshot.cursor - _READ_BEFORE) : snapshot.cursor]
    *above, begun = written.replace("\r\n", "\n").split("\n")
    place = _Place(begun.lstrip(), _written_lines(above))
    open_paths = {snapshot.document.path, *(document.path for document in snapshot.open_documents)}
    same_lines: dict[str, int] = {}
    for line in _found(workspace, place, snapshot.document.path):
        if line.path not in open_paths and workspace.may_name(line.path):
            text = "\n".join(line.text.removeprefix(place.begun).replace("\r\n", "\n").split("\n")[:max_lines])
            same_lines[text] = max(same_lines.get(text, 0), _count_same(line, place))
    ordered = sorted((text for text in same_lines if text.strip()), key=lambda text: -same_lines[text])
    return tuple(ordered[:_MOST_TEXTS])


def _found(workspace: Workspace, place: _Place, path: str) -> Iterator[FoundLine]:
    """Yield the lines that begin as the cursor's does, and those that follow the line above it and begin so too."""
    yield from find_lines(workspace.read_index, place.begun, path)
    for line in find_lines(workspace.read_index, place.lines[0], path) if place.lines else ():
        first, _, rest = line.text.partition("\n")
        behind = rest.lstrip()
        if first.strip() == place.lines[0] and behind.startswith(place.begun):
            yield FoundLine(line.path, f"{line.before}{first}\n", behind)


def _count_same(line: FoundLine, place: _Place) -> int:
    """Count the lines above a place that are the same as those above the cursor."""
    pairs = zip(_written_lines(line.before.split("\n")), place.lines, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _written_lines(lines: Sequence[str]) -> list[str]:
    """Return the last lines that are not blank, the last first, without indentation."""
    return [line.strip() for line in reversed(lines) if line.strip()][:_LINES_BEFORE]
