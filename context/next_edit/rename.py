"""The rule of a renamed name: the other places of the same name, in its scope."""

import keyword
from collections.abc import Sequence

from context.documents.document import Document
from context.next_edit.occurrences import Occurrence, Role, Scope
from context.next_edit.proposal import Proposal, Rule
from context.next_edit.replacements import Replacement
from context.next_edit.resolve_names import Names, find_names

_CONFIDENCE = 0.9
_LONG_RENAMING = 4  # places in the last edits


def find_renames(replacements: Sequence[Replacement], cursor_document: Document, cursor: int) -> list[Proposal]:
    """Return the places that still have the old name, those of the last renaming first."""
    asked: set[tuple[str, str, str]] = set()
    for change in replacements:
        key = (change.document.path, change.old, change.new)
        if key in asked or not _is_renaming(change, cursor_document, cursor):
            continue
        asked.add(key)
        same = [one for one in replacements if (one.document.path, one.old, one.new) == key]
        if found := _rest(same):
            return found
    return []


def _is_renaming(change: Replacement, document: Document, cursor: int) -> bool:
    """Return whether one whole name became another one, and the user is not in the midst of typing it."""
    if not change.is_of_names or any(keyword.iskeyword(name) for name in (change.old, change.new)):
        return False
    is_at_cursor = change.document.path == document.path and change.start <= cursor <= change.end
    return not (is_at_cursor and is_unfinished(change.old, change.new))


def is_unfinished(old: str, new: str) -> bool:
    """Return whether the new name, with the cursor in it, looks like one that is still being typed or deleted."""
    return len(new) == 1 or new.endswith("_") or old.startswith(new) or old.endswith(new)


def _rest(changes: Sequence[Replacement]) -> list[Proposal]:
    """Return the places of a document where the name is left over. `changes` replaced the one name by the other."""
    document, old, new = changes[0].document, changes[0].old, changes[0].new
    names = find_names(document, (old, new))
    if names is None:
        return []
    changed = {change.start for change in changes}
    for change in changes:
        place = names.at(change.start)
        home = names.homes.get(place) if place is not None else None
        if place is None or home is None or not _is_renamed(place, home, names, changed, old, document):
            continue
        left = [one for one in names.group(home) if one.name == old]
        if any(one.role == Role.IMPORT for one in left):
            continue
        return [Proposal(document, one.start, one.end, new, Rule.RENAME, _CONFIDENCE) for one in left]
    return []


def _is_renamed(place: Occurrence, home: Scope, names: Names, changed: set[int], old: str, document: Document) -> bool:
    """Return whether the thing of this scope was renamed: its binding, or a use of a thing without another binding."""
    group = names.group(home)
    targets = [one for one in group if one.is_target or one.role == Role.IMPORT]
    if all(one.start in changed for one in group if one.name != old):
        return place in targets
    # A part of a long renaming lies too far back to be known: nothing binds the old name any more.
    if len(changed) < _LONG_RENAMING or any(one.name == old for one in targets) or not targets:
        return False
    alone = find_names(document, (old,))
    return alone is not None and all(
        alone.homes[one] is None for one in group if one.name == old and one.role == Role.USE
    )
