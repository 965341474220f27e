"""Resolves the mentions of a question: what "@" names in the workspace."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import normpath

from context.documents.document import Document
from context.index.view import Definition, View
from context.index.workspace import Workspace
from context.question.mentions import Mention
from context.question.parts import FoundDefinition, Part, heads_of, owner_of, worth_of_path
from midspan import DocumentError

_MOST_FILES = 3  # that one file name may mean
_MOST_SYMBOLS = 6
_MOST_PLACES = 50
_MOST_FOLDER_FILES = 60
_WHY = "you referred to it"
# The user asks for these: they come before all that is found for them.
_FILE, _FOLDER, _SYMBOL = 3.0, 2.5, 3.0
_HEADS = 3.2  # the definitions of a file come even before its text, of which perhaps not all fits


@dataclass
class Mentioned:
    """The meaning of the mentions of a question. `unknown` are the mentions that mean nothing in the workspace."""

    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    symbols: list[FoundDefinition] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def names(self, path: str) -> bool:
        """Return whether a mention is a file, or a folder that the file is in."""
        return path in self.files or any(path.startswith(folder) for folder in self.folders)


def read_mentioned(mentions: Sequence[Mention], workspace: Workspace, view: View) -> list[Document]:
    """Return the mentioned files of the disk that the index does not have yet.

    Raises DocumentError for a mentioned file that a rule keeps out of every prompt.
    """
    paths = [normpath(mention.inside or mention.name) for mention in mentions if mention.kind != "folder"]
    unknown = sorted(set(paths) - view.existing(paths))
    return [workspace.read(path) for path in unknown if _is_file(workspace.root, path)]


def resolve_mentions(mentions: Sequence[Mention], workspace: Workspace | None, view: View) -> Mentioned:
    """Return what the mentions mean. `view` has the documents of `read_mentioned`."""
    found = Mentioned()
    for mention in mentions:
        if mention.kind in (None, "file") and not mention.inside and (files := _files(mention.name, view)):
            found.files += files
        elif mention.kind in (None, "symbol") and (symbols := _symbols(mention, view)):
            found.symbols += symbols
        elif mention.kind in (None, "folder") and (folders := _folders(mention.name, workspace, view)):
            found.folders += folders
        else:
            found.unknown.append(mention.text)
    return found


def mentioned_parts(found: Mentioned, view: View) -> Iterator[Part]:
    """Yield the text of the mentioned files, and the definitions of those in the mentioned folders."""
    for path in found.files:
        heads = heads_of(view.definitions_in(path))
        if heads:
            yield Part("reference", path, heads, _WHY, _HEADS)
        yield Part("reference", path, (range(1 << 30),), _WHY, _FILE)
    for folder in found.folders:
        paths = sorted(view.below(folder.rstrip("/")), key=lambda path: (-worth_of_path(path), path.count("/"), path))
        for rank, path in enumerate(paths[:_MOST_FOLDER_FILES]):
            heads = heads_of([definition for definition, _, _ in view.top_level(path)])
            yield Part("folder", path, heads or (range(5),), f"is in {folder}", _FOLDER / (1 + 0.02 * rank))


def _files(name: str, view: View) -> list[str]:
    """Return the file of this path or, if there is none, those whose paths end so, the likeliest first."""
    if name.endswith("/"):
        return []
    path = normpath(name)
    if view.existing([path]):
        return [path]
    ending = f"/{path}"
    found = [other for other in view.named(path.rpartition("/")[2]) if f"/{other}".endswith(ending)]
    return sorted(found, key=lambda other: (-worth_of_path(other), other.count("/"), other))[:_MOST_FILES]


def _symbols(mention: Mention, view: View) -> list[FoundDefinition]:
    """Return the definitions of a name or, with its owner before a dot, of that owner alone if it has one."""
    owner, _, name = mention.name.rpartition(".")
    places: Sequence[Definition] = view.definitions([name], _MOST_PLACES).get(name, ())
    if mention.inside:
        places = [one for one in places if one.path == mention.inside]
    if owner:
        last = owner.rpartition(".")[2]
        places = [one for one in places if owner_of(one) == last] or places
    ranked = sorted(places, key=lambda one: (-worth_of_path(one.path), one.path, one.symbol.first_line))
    return [FoundDefinition(one, _SYMBOL, _WHY, is_sure=True, is_mentioned=True) for one in ranked[:_MOST_SYMBOLS]]


def _folders(name: str, workspace: Workspace | None, view: View) -> list[str]:
    """Return the folder of this path or, if there is none, those of this name, with "/" at their ends."""
    path = name.strip("/").removeprefix("./")
    if not path or workspace is None:
        return []
    if view.below(path):
        return [f"{path}/"]
    pattern = path.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows = workspace.read_index("SELECT path FROM files WHERE path LIKE ? ESCAPE '\\' LIMIT 1000", (f"%/{pattern}/%",))
    found = {before + f"/{path}/" for before, inside, _ in (row[0].partition(f"/{path}/") for row in rows) if inside}
    return sorted(found, key=lambda folder: (folder.count("/"), folder))[:_MOST_FILES]


def _is_file(root: Path, path: str) -> bool:
    """Return whether a path inside the root is a file of the disk. Raises DocumentError for one outside."""
    if not path or path.startswith("/") or ".." in path.split("/"):
        return False
    try:
        return (root / path).is_file()
    except (OSError, ValueError):
        raise DocumentError(f"{path} cannot be read. Check the name.") from None
