"""The rule of a renamed name: the other places of the same name, in its scope."""

import keyword
from collections.abc import Sequence

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.next_edit.imported_names import find_importing_places, is_of_module
from context.next_edit.keyword_arguments import find_keywords
from context.next_edit.occurrences import Occurrence, Role
from context.next_edit.proposal import Proposal, Rule
from context.next_edit.replacements import Replacement
from context.next_edit.resolve_names import find_names
from context.next_edit.workspace_files import WorkspaceFiles

_CONFIDENCE = 0.9
_ENOUGH = 3  # proposals: the next ones are found when these are accepted
_LONG_RENAMING = 4  # places in the last edits


def find_renames(replacements: Sequence[Replacement], snapshot: Snapshot, files: WorkspaceFiles) -> list[Proposal]:
    """Return the places that still have the old name, those of the last renaming first."""
    asked: set[tuple[str, str, str]] = set()
    for change in replacements:
        key = (change.document.path, change.old, change.new)
        if key in asked or not _is_renaming(change, snapshot):
            continue
        asked.add(key)
        same = [one for one in replacements if (one.document.path, one.old, one.new) == key]
        typed = [one for one in replacements if one.document.path == change.document.path]
        if found := _rest(same, typed, files):
            return found
    return []


def _is_renaming(change: Replacement, snapshot: Snapshot) -> bool:
    """Return whether one whole name became another one, and the user is not in the midst of typing it."""
    if not change.is_of_names or any(keyword.iskeyword(name) for name in (change.old, change.new)):
        return False
    is_at_cursor = change.document.path == snapshot.document.path and change.start <= snapshot.cursor <= change.end
    return not (is_at_cursor and is_unfinished(change.old, change.new))


def is_unfinished(old: str, new: str) -> bool:
    """Return whether the new name, with the cursor in it, looks like one that is still being typed or deleted."""
    return len(new) == 1 or new.endswith("_") or old.startswith(new) or old.endswith(new)


def _rest(changes: Sequence[Replacement], typed: Sequence[Replacement], files: WorkspaceFiles) -> list[Proposal]:
    """Return the places of a document where the name is left over.

    `changes` replaced the one name by the other; `typed` are all that the last edits put into the document.
    """
    document, old, new = changes[0].document, changes[0].old, changes[0].new
    names = find_names(document, (old, new))
    if names is None:
        return []
    fresh = {one for one in names.homes if any(span.start <= one.start and one.end <= span.end for span in typed)}
    for change in changes:
        place = names.at(change.start)
        home = names.homes.get(place) if place is not None else None
        if place is None or home is None:
            continue
        group = names.group(home)
        left = [one for one in group if one.name == old]
        if document.language == "python" and home.kind == "function" and any(one.is_parameter for one in group):
            left += find_keywords(document, home, old)
        is_known = all(one in fresh for one in group if one.name == new)
        if any(one.role == Role.IMPORT for one in left):
            continue
        if place.is_target if is_known else _is_left_over(changes, group, document):
            if left:
                return [_proposal(document, one, new) for one in left]
            if is_of_module(home):
                return _elsewhere(document, place, old, new, files)
    return []


def _elsewhere(document: Document, place: Occurrence, old: str, new: str, files: WorkspaceFiles) -> list[Proposal]:
    """Return the places in other files, of one file or two."""
    origin = document
    if place.role == Role.IMPORT:  # the user began, or goes on, where the name is imported
        paths = files.imported(place.owner, new, document)
        found = files.document(paths[0]) if paths else None
        names = find_names(found, (old, new)) if found is not None else None
        if found is None or names is None or {one.name for one in names.homes if one.is_target} != {new}:
            return []
        origin = found
    proposals: list[Proposal] = []
    for other, places in find_importing_places(origin, old, new, files):
        proposals += [_proposal(other, one, new) for one in places]
        if len(proposals) >= _ENOUGH:
            break
    return proposals


def _proposal(document: Document, one: Occurrence, new: str) -> Proposal:
    return Proposal(document, one.start, one.end, one.shorthand + new, Rule.RENAME, _CONFIDENCE)


def _is_left_over(changes: Sequence[Replacement], group: Sequence[Occurrence], document: Document) -> bool:
    """Return whether a part of a long renaming lies too far back to be known: nothing binds the old name any more."""
    old = changes[0].old
    targets = [one for one in group if one.is_target]
    if len(changes) < _LONG_RENAMING or any(one.name == old for one in targets) or not targets:
        return False
    alone = find_names(document, (old,))
    return alone is not None and all(
        alone.homes[one] is None for one in group if one.name == old and one.role == Role.USE
    )
