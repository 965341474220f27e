"""The files, folders and definitions that a user may mean who has typed "@" and some letters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from context.documents.document import Document
from context.index.workspace import Workspace
from context.question.match import begins_pattern, like_pattern, likeness
from context.question.mentions import MentionKind, mention_of_path, mention_of_symbol, part_query
from context.related.counterpart import is_test

_MOST_ITEMS = 20
_MOST_ROWS = 1000  # that one pattern finds
_MOST_LETTERS = 100  # no name is longer, and a pattern of more is slow
_OPEN = 0.15  # added for a document that is open
_TEST = -0.15
_FOLDER = -0.05  # where no path is typed
_HIDDEN = -0.1
_KINDS = {"variable": -0.06, "field": -0.06, "module": -0.04}
_IN_PATH = 0.75  # of the likeness of a name, where the letters are those of a path

_SYMBOLS = (
    "SELECT s.name, s.container, s.kind, f.path, s.first_line FROM symbols s JOIN files f ON f.id = s.file_id"
    " WHERE s.name LIKE ? ESCAPE '\\' AND s.container LIKE ? ESCAPE '\\' LIMIT ?"
)
_PATHS = "SELECT path FROM files WHERE path LIKE ? ESCAPE '\\' ORDER BY length(path) LIMIT ?"


@dataclass(frozen=True)
class Reference:
    """A thing that "@" may name. `insert` is the mention of this thing and of no other. `line` is a definition's."""

    kind: MentionKind
    name: str
    path: str
    insert: str
    line: int | None = None


@dataclass(frozen=True)
class _Found:
    score: float
    kind: MentionKind
    name: str
    path: str
    container: str = ""
    line: int | None = None


def find_references(query: str, workspace: Workspace, documents: Sequence[Document]) -> list[Reference]:
    """Return what the text behind "@" may mean, the likeliest first.

    `documents` are those that the editor has open, the last used first: of no text at all they are the likeliest.
    """
    kind, letters = part_query(query[:_MOST_LETTERS])
    found: list[_Found] = []
    if kind in (None, "file"):
        found += _files(letters, workspace, [document.path for document in documents])
    if kind in (None, "folder"):
        found += _folders(letters, workspace)
    if kind in (None, "symbol") and letters:
        found += _symbols(letters, workspace)
    found.sort(key=lambda one: (-one.score, len(one.path), one.path, one.line or 0))
    best = _best(found, workspace)
    return [_reference(one, workspace) for one in best]


def _files(letters: str, workspace: Workspace, open_paths: Sequence[str]) -> Iterator[_Found]:
    rows = workspace.read_index(_PATHS, (like_pattern(letters), _MOST_ROWS))
    recency = {path: 1 / (1 + rank) for rank, path in enumerate(open_paths)}
    for path in {*(path for (path,) in rows), *open_paths}:
        name = path.rpartition("/")[2]
        likely = max(likeness(letters, name), likeness(letters, name.partition(".")[0]), _in_path(letters, path))
        if likely or not letters:
            score = likely + _OPEN * recency.get(path, 0.0) + (_TEST if is_test(path) else 0.0)
            score += _HIDDEN if name.startswith(".") else 0.0
            yield _Found(score, "file", name, path)


def _folders(letters: str, workspace: Workspace) -> Iterator[_Found]:
    rows = workspace.read_index(_PATHS, (like_pattern(letters), _MOST_ROWS))
    typed = letters.rstrip("/")
    parts = (path.split("/")[:-1] for (path,) in rows)
    for folder in {"/".join(names[:depth]) for names in parts for depth in range(1, len(names) + 1)}:
        name = folder.rpartition("/")[2]
        likely = max(likeness(typed, name), _in_path(typed, folder))
        if likely or not typed:
            score = likely + (0.0 if "/" in letters else _FOLDER) + (_TEST if is_test(f"{folder}/") else 0.0)
            yield _Found(score, "folder", name, f"{folder}/")


def _symbols(letters: str, workspace: Workspace) -> Iterator[_Found]:
    container, dot, name = letters.rpartition(".")
    within = begins_pattern(container) if dot else "%"
    seen = set()
    for pattern in (begins_pattern(name), like_pattern(name)):
        for row in workspace.read_index(_SYMBOLS, (pattern, within, _MOST_ROWS)):
            if row in seen:
                continue
            seen.add(row)
            found, inside, kind, path, line = row
            score = likeness(name, found) + _KINDS.get(kind, 0.0) + (_TEST if is_test(path) else 0.0)
            yield _Found(score, "symbol", found, path, inside, line)


def _in_path(letters: str, path: str) -> float:
    return _IN_PATH * likeness(letters, path) if "/" in letters else 0.0


def _best(found: Sequence[_Found], workspace: Workspace) -> list[_Found]:
    best: list[_Found] = []
    for one in found:
        if len(best) == _MOST_ITEMS:
            break
        if workspace.may_name(one.path.rstrip("/")):
            best.append(one)
    return best


def _reference(found: _Found, workspace: Workspace) -> Reference:
    if found.kind != "symbol":
        return Reference(found.kind, found.name, found.path, mention_of_path(found.path))
    full = f"{found.container}.{found.name}" if found.container else found.name
    rows = workspace.read_index("SELECT container FROM symbols WHERE name = ?", (found.name,))
    if len(rows) == 1:
        mention = mention_of_symbol(found.name)
    elif found.container and rows.count((found.container,)) == 1:
        mention = mention_of_symbol(full)
    else:
        mention = mention_of_symbol(full, found.path)
    return Reference("symbol", full, found.path, mention, found.line)
