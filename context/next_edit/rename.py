"""The rule of a renamed name: the other places of the same name, in its scope."""

import keyword
import re
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher

from context.documents.document import Document
from context.documents.edits import Edit
from context.documents.snapshot import Snapshot
from context.imports.standard_library import is_standard
from context.next_edit.names.keyword_arguments import find_keywords
from context.next_edit.names.language_names import C_LANGUAGES, is_of_language
from context.next_edit.names.occurrences import Occurrence, Role, Scope, members_of
from context.next_edit.names.other_names import class_of_property
from context.next_edit.names.resolve_names import find_names
from context.next_edit.proposal import Proposal, Rule
from context.next_edit.replacements import Replacement, Span, find_replacements, typed_spans
from context.next_edit.workspace.imported_names import find_importing_places, is_of_module
from context.next_edit.workspace.including_places import find_including_places
from context.next_edit.workspace.member_places import find_member_places, member_of
from context.next_edit.workspace.workspace_files import WorkspaceFiles

_CONFIDENCE = 0.9
_ENOUGH = 3  # proposals: the next ones are found when these are accepted
_MAX_RENAMINGS = 12
_ALIKE = 0.6  # the similarity of a name with the one in its place, where that may mean another thing
_WORD = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{3,}")
_DEFINES = re.compile(r"\b(?:def|class|func(?:\s*\([^)]*\))?|function|fn|struct|interface|type|enum|trait)\s+$")
_DEFINED = re.compile(f"{_DEFINES.pattern.removesuffix('$')}(\\w+)")
# A line that binds a name.
_BINDS = (
    r"\bimport\b.*(?<![\w.]){name}\b(?!\s*\.|\s+as\b)|^\s*{name}\s*(?::[^=]*)?=(?!=)"
    r"|\b(?:def|class|func|function|const|let|var|type|interface|enum)\s+{name}\b|\b{name}\b[^=(]*:="
)
_LOOP = re.compile(r"\s*(?:async\s+)?for\b")
_LONG_RENAMING = 4  # places in the last edits

# Finds the rest of one renaming: its document, what was replaced there, the last edits, and the files.
_FindRest = Callable[[Document, Sequence[Replacement], Sequence[Edit], WorkspaceFiles], list[Proposal]]


def find_renames(edits: Sequence[Edit], snapshot: Snapshot, files: WorkspaceFiles) -> list[Proposal]:
    """Return the places that still have the old name by the rules of scopes, those of the last renaming first."""
    return _first_rest(edits, snapshot, files, _rest)


def find_member_renames(edits: Sequence[Edit], snapshot: Snapshot, files: WorkspaceFiles) -> list[Proposal]:
    """Return the places outside a class that still have the old name of a member, by what files say of its objects."""
    return _first_rest(edits, snapshot, files, _rest_of_member)


def _first_rest(
    edits: Sequence[Edit], snapshot: Snapshot, files: WorkspaceFiles, find_rest: _FindRest
) -> list[Proposal]:
    """Return what is left of the last renaming that leaves something."""
    replacements = find_replacements(edits, tuple(files.open.values()))
    pairs = dict.fromkeys((one.old, one.new) for one in replacements if _is_renaming(one, snapshot))
    recent = list(pairs)[:_MAX_RENAMINGS]
    asked: set[tuple[str, str, str]] = set()
    for change in replacements:
        pair = change.old, change.new
        if pair not in recent or (change.document.path, *pair) in asked:
            continue
        asked.add((change.document.path, *pair))
        same = [one for one in replacements if (one.old, one.new) == pair]
        if found := find_rest(change.document, same, edits, files):
            return found
    return []


def _is_renaming(change: Replacement, snapshot: Snapshot) -> bool:
    """Return whether one whole name became another one, and the user is not in the midst of typing it."""
    if not change.is_renaming or any(keyword.iskeyword(name) for name in (change.old, change.new)):
        return False
    if change.document.path != snapshot.document.path or not change.start <= snapshot.cursor <= change.end:
        return True
    return not _is_unfinished(change.old, change.new, snapshot.cursor - change.start)


def _is_unfinished(old: str, new: str, at: int) -> bool:
    """Return whether the new name, with the cursor `at` it, looks like one that is still being typed or deleted."""
    ends_in_the_middle = new.endswith("_") and not old.endswith("_")
    return len(new) == 1 or ends_in_the_middle or old.startswith(new) or (old.endswith(new) and at < len(new))


def _rest(
    document: Document, changes: Sequence[Replacement], edits: Sequence[Edit], files: WorkspaceFiles
) -> list[Proposal]:
    """Return the places where the name is left over: in the document, else in other files.

    `changes` replaced the one name by the other.
    """
    old, new = changes[0].old, changes[0].new
    for place, home, _, left in _renamed(document, changes, edits, files):
        if left:
            return [_proposal(document, one, new) for one in left]
        if document.language in C_LANGUAGES:
            if found := _first_places(find_including_places(document, home, old, files), new):
                return found
        elif is_of_module(home) and place.role != Role.IMPORT:
            return _first_places(find_importing_places(document, old, new, files), new)
    return []


def _rest_of_member(
    document: Document, changes: Sequence[Replacement], edits: Sequence[Edit], files: WorkspaceFiles
) -> list[Proposal]:
    """Return the places where the name of a member is left over outside its class, of one file or two."""
    old, new = changes[0].old, changes[0].new
    proposals: list[Proposal] = []
    for _, home, group, _ in _renamed(document, changes, edits, files):
        member = member_of(home, group, document, old, new)
        for other, places in find_member_places(member, document, files) if member is not None else ():
            proposals += [_proposal(other, one, new, confidence) for one, confidence in places]
            if len(proposals) >= _ENOUGH:
                break
    return proposals


# The place of a change, the scope that binds its name, all places of the name there, and those that still have the old.
_Renamed = tuple[Occurrence, Scope, Sequence[Occurrence], Sequence[Occurrence]]


def _renamed(
    document: Document, changes: Sequence[Replacement], edits: Sequence[Edit], files: WorkspaceFiles
) -> Iterator[_Renamed]:
    """Yield the things of the document that the changes gave another name where they are defined."""
    old, new = changes[0].old, changes[0].new
    names = find_names(document, (old, new))
    if names is None:
        return
    typed = typed_spans(edits, document)
    fresh = {one for one in names.homes if any(start <= one.start and one.end <= end for start, end in typed)}
    for change in changes:
        place = names.at(change.start) if change.document.path == document.path else None
        home = names.homes.get(place) if place is not None else None
        if place is None or home is None or _has_two_names(old, new, home, document, edits):
            continue
        group = names.group(home)
        left = [one for one in group if one.name == old and one not in fresh]
        others = [one for one in group if one.name == old and not _goes_with_another(one, document)]
        if any(_is_kept(one, place, document, typed) for one in others):
            continue
        if _is_of_loop(place, document):
            left = _before_another(left, document)
        if document.language == "python" and home.kind == "function" and any(one.is_parameter for one in group):
            left += find_keywords(document, home, old)
        if owner := class_of_property(document, place):
            left += [one for one in names.group(members_of(owner)) if one.name == old]
        if all(one in fresh for one in group if one.name == new):
            is_renamed = _is_defined_anew(place, change, changes, group, edits)
        else:
            here = [one for one in changes if one.document.path == document.path]
            is_renamed = _is_left_over(here, group, () if place.is_target else edits)
            is_renamed = is_renamed or _is_given_no_more(place, change, group)
        is_other = place.role == Role.IMPORT and not place.is_alias and _is_of_others(place, change, document, files)
        if is_renamed and not is_other:
            yield place, home, group, left


def _is_of_loop(place: Occurrence, document: Document) -> bool:
    """Return whether the place is the variable of a loop of Python."""
    line = document.text[document.text.rfind("\n", 0, place.start) + 1 : place.start]
    return place.is_target and document.language == "python" and _LOOP.match(line) is not None


def _before_another(left: Sequence[Occurrence], document: Document) -> list[Occurrence]:
    """Return the places up to the line that gives the name another value, whose own name is left."""
    targets = [document.position_at(one.start)[0] for one in left if one.is_target]
    last = min(targets, default=len(document.lines))
    return [one for one in left if not one.is_target and document.position_at(one.start)[0] <= last]


def _has_two_names(old: str, new: str, home: Scope, document: Document, edits: Sequence[Edit]) -> bool:
    """Return whether the edits gave places of the name in this scope another new name too."""
    for one in find_replacements(edits, [document]):
        if one.old == old and one.new != new and one.is_renaming:
            names = find_names(document, (one.new,))
            place = names.at(one.start) if names is not None else None
            if names is not None and place is not None and names.homes[place] == home:
                return True
    return False


def _is_of_others(one: Occurrence, change: Replacement, document: Document, files: WorkspaceFiles) -> bool:
    """Return whether the name is imported from outside the workspace, and both names may have their own meaning."""
    if document.language == "python" and is_standard(one.owner):
        return True
    return files.view is not None and not files.imported(one.owner, one.name, document) and not _is_alike(change)


def _is_kept(one: Occurrence, renamed: Occurrence, document: Document, typed: Sequence[Span]) -> bool:
    """Return whether the place still gives the old name a meaning, which the user has not just overlooked.

    The variable of a line that the user has changed was left as it is.
    """
    if one.role == Role.IMPORT or _is_defined(one, document):
        return True
    if not one.is_target:
        return False
    line = document.position_at(one.start)[0]
    is_function = _is_defined(renamed, document) and not renamed.is_parameter
    return is_function or any(document.position_at(start)[0] == line for start, end in typed if start < end)


def _is_defined_anew(
    place: Occurrence,
    change: Replacement,
    changes: Sequence[Replacement],
    group: Sequence[Occurrence],
    edits: Sequence[Edit],
) -> bool:
    """Return whether the first place that gives the name its meaning was renamed, and nothing else was done there."""
    if place != min((one for one in group if one.is_target), key=lambda one: one.start, default=None):
        return False
    if place.role == Role.IMPORT and len(changes) == 1:  # another thing is imported, or the same under a new name
        is_alike = SequenceMatcher(None, change.old, change.new).ratio() >= _ALIKE
        return (change.is_alone and is_alike) or (_is_only_import(place, change) and _means_nothing(change, group))
    if place.is_alias:
        return change.is_alone
    if _is_defined(place, change.document) and not place.is_parameter:  # else one may go and another one come
        return (change.is_alone or _is_alike(change)) and _is_likest(change, edits[change.edit])
    if change.is_alone:
        return True
    if place.role == Role.ATTRIBUTE:
        return _is_alike(change) and all(one.name != change.old or not one.is_target for one in group)
    if place.is_parameter and not (_is_alike(change) and any(one.name == change.old for one in group)):
        return False
    return place.scopes[0].kind != "class" and _means_nothing(change, group)


def _is_given_no_more(place: Occurrence, change: Replacement, group: Sequence[Occurrence]) -> bool:
    """Return whether the line of a change gave a member of a class its value, and no other line gives it one."""
    is_member = place.role == Role.ATTRIBUTE and place.is_target and change.is_alone
    return is_member and not any(one.name == change.old and one.is_target for one in group)


def _is_only_import(place: Occurrence, change: Replacement) -> bool:
    """Return whether the line imports nothing but this name: its module may be another one too."""
    start = change.document.text.rfind("\n", 0, place.start) + 1
    line = change.document.text[start:].partition("\n")[0]
    return re.fullmatch(rf"\s*from\s+\S+\s+import\s+{re.escape(change.new)}\s*", line) is not None


def _is_alike(change: Replacement) -> bool:
    """Return whether the names are spelled alike or share a word."""
    words = (set(map(str.lower, _WORD.findall(name))) for name in (change.old, change.new))
    return bool(set.intersection(*words)) or SequenceMatcher(None, change.old, change.new).ratio() >= _ALIKE


def _is_likest(change: Replacement, edit: Edit) -> bool:
    """Return whether no other name that the edit defines is spelled more like the old one."""
    defined = (set(_DEFINED.findall("".join(lines))) for lines in (edit.new_lines, edit.old_lines))
    likeness = {name: SequenceMatcher(None, change.old, name).ratio() for name in set.difference(*defined)}
    return all(one <= likeness.get(change.new, 1.0) for one in likeness.values())


def _means_nothing(change: Replacement, group: Sequence[Occurrence]) -> bool:
    """Return whether all that is left of the old name means nothing any more."""
    names = find_names(change.document, (change.old,))
    left = [one for one in group if one.name == change.old]
    return names is not None and all(names.homes[one] is None and one.role == Role.USE for one in left)


def _is_defined(one: Occurrence, document: Document) -> bool:
    """Return whether the place is a parameter, or the name in the definition of a function or a class."""
    line = document.text[document.text.rfind("\n", 0, one.start) + 1 : one.start]
    return one.is_target and (one.is_parameter or _DEFINES.search(line) is not None)


def _goes_with_another(one: Occurrence, document: Document) -> bool:
    """Return whether the definition is a setter, or one of several forms, of what another definition gives the name."""
    line, _ = document.position_at(one.start)
    above = document.lines[line - 1].strip() if line else ""
    return re.match(r"@\w+\.(?:setter|deleter|getter)\b|@(?:\w+\.)?overload\b", above) is not None


def _first_places(found: Iterator[tuple[Document, list[Occurrence]]], new: str) -> list[Proposal]:
    """Return the places of one document or two."""
    proposals: list[Proposal] = []
    for other, places in found:
        proposals += [_proposal(other, one, new) for one in places]
        if len(proposals) >= _ENOUGH:
            break
    return proposals


def _proposal(document: Document, one: Occurrence, new: str, confidence: float = _CONFIDENCE) -> Proposal:
    return Proposal(document, one.start, one.end, one.shorthand + new, Rule.RENAME, confidence)


def _is_left_over(changes: Sequence[Replacement], group: Sequence[Occurrence], edits: Sequence[Edit]) -> bool:
    """Return whether nothing binds the old name any more: the edits took that away, or it lies too far back."""
    old, document = changes[0].old, changes[0].document
    targets = [one for one in group if one.is_target]
    if is_of_language(old, document.language) or any(one.name == old for one in targets) or not targets:
        return False
    is_known = len(changes) >= _LONG_RENAMING or _was_taken_away(old, document, edits)
    return is_known and _means_nothing(changes[0], group)


def _was_taken_away(name: str, document: Document, edits: Sequence[Edit]) -> bool:
    """Return whether the edits removed a line that gave the name its meaning."""
    binds = re.compile(_BINDS.replace("{name}", re.escape(name)))
    removed = (line for edit in edits if edit.is_of(document) for line in edit.old_lines)
    return any(binds.search(line) for line in removed if name in line)
