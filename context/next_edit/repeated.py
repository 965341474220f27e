"""The rule of a repeated change: two lines were changed in one way, and others look as these did."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from context.documents.document import Document
from context.documents.edits import Edit
from context.next_edit.line_changes import LineChange, find_line_changes, tokens_of
from context.next_edit.names.in_text import is_in_text, text_at
from context.next_edit.names.members_behind import member_behind
from context.next_edit.names.occurrences import Occurrence, Role
from context.next_edit.names.resolve_names import find_names, find_word
from context.next_edit.proposal import Proposal, Rule
from context.next_edit.shape import Shape, common_shape
from context.next_edit.workspace.known_names import gives_what_comes, has_known_names
from context.next_edit.workspace.workspace_files import WorkspaceFiles, languages_with
from context.syntax.tree import tree_of

_CONFIDENCE = 0.85
_ABOVE = 0.3  # the confidence of a place above the last change, which the user mostly has seen
_RECENT_EDITS = 3
_MAX_EXAMPLES = 6  # changes that may be the last of their shape
_MAX_TRIES = 3  # of one change with others
_MORE_EXAMPLES = 3  # of a change of a name that is no call
_MAX_OPEN_DOCUMENTS = 10
_FUNCTION = re.compile(
    r"^(?:function|method|constructor)\w*_(?:definition|declaration|item)$|^(?:arrow_function|lambda)$"
)


def find_repeated(edits: Sequence[Edit], files: WorkspaceFiles) -> list[Proposal]:
    """Return the places that look as two changed lines did, those of the last change first."""
    documents = tuple(files.open.values())
    changes = find_line_changes(edits, documents)
    recent = find_line_changes(edits[:_RECENT_EDITS], documents)
    tried: Counter[tuple[tuple[str, ...], tuple[str, ...]]] = Counter()
    for index, one in enumerate(changes[: min(_MAX_EXAMPLES, len(recent))]):
        for other in changes[index + 1 :]:
            if tried[one.old_core, one.new_core] == _MAX_TRIES:
                break
            if one.document.language not in languages_with(other.document.language):
                continue
            if len(one.old_core) > 1 and _is_substitution(one):
                continue  # of one name by another, which a rename has to find
            shape = common_shape(one, other)
            if shape is None:
                continue
            tried[one.old_core, one.new_core] += 1
            left = files_left([one.document, other.document], edits)
            found = [place for place in _places(shape, one, other, changes, files) if place.document.path not in left]
            if found:
                return [replace(place, confidence=_confidence_of(place, one)) for place in found]
    return []


def _confidence_of(place: Proposal, last: LineChange) -> float:
    is_above = place.document.path == last.document.path and place.start < last.start
    return _ABOVE if is_above else _CONFIDENCE


def files_left(changed: Iterable[Document], edits: Sequence[Edit]) -> set[str]:
    """Return the paths of the changed documents that the user has left for the one with the last edit.

    What looks there as the changed place did was seen, and mostly left as it is on purpose.
    """
    return {document.path for document in changed} - {edits[0].path}


def _is_substitution(change: LineChange) -> bool:
    """Return whether nothing but one name became another one, wherever it stood."""
    pairs = {pair for pair in zip(change.old_core, change.new_core, strict=False) if pair[0] != pair[1]}
    return len(change.old_core) == len(change.new_core) and len(pairs) == 1


def _places(
    shape: Shape, one: LineChange, other: LineChange, changes: Sequence[LineChange], files: WorkspaceFiles
) -> list[Proposal]:
    in_text = text_at(one.document, one.start)
    if in_text != text_at(other.document, other.start) or (in_text and shape.is_told_beside):
        return []
    if len(one.old_core) == 1 and len(one.new_core) == 1 and one.old_core[0].isidentifier():
        if in_text:
            is_all = all(is_in_text(change.document, change.start) for change in changes)
            return _words(shape, one, files) if is_all else []
        return _same_names(one, other, changes)
    done = {(change.document.path, change.line) for change in changes}
    around = function_around(one.document, one.start, is_in_body=True)
    is_local = around is not None and around == function_around(other.document, other.start, is_in_body=True)
    found: list[Proposal] = []
    for document in [one.document] if is_local or shape.is_told_beside else _documents(one.document, files):
        for line in sorted({document.position_at(start)[0] for start in find_word(document.text, shape.anchor)}):
            is_near = not is_local or (around is not None and around[0] <= line <= around[1])
            if is_near and (document.path, line) not in done:
                found += _in_line(shape, document, line, in_text or _replaced_text(shape))
    return found


def function_around(document: Document, offset: int, *, is_in_body: bool = False) -> tuple[int, int] | None:
    """Return the lines of the function that the place is in, the innermost; None outside of functions.

    `is_in_body`: of the functions that have it in their headers, none counts.
    """
    tree = tree_of(document)
    path = tree.path(offset, offset) if tree is not None else []
    for node, _ in reversed(path):
        body = node.child_by_field_name("body")
        is_header = tree is not None and body is not None and offset < tree.start(body)
        if _FUNCTION.search(node.type) and not (is_in_body and is_header):
            return node.start_point[0], node.end_point[0]
    return None


def _documents(document: Document, files: WorkspaceFiles) -> Iterator[Document]:
    yield document
    others = [other for other in files.open.values() if other.path != document.path]
    for other in others[:_MAX_OPEN_DOCUMENTS]:
        if other.language in languages_with(document.language):
            yield other


def _in_line(shape: Shape, document: Document, line: int, in_text: str) -> Iterator[Proposal]:
    tokens, start = tokens_of(document.lines[line]), document.line_starts[line]
    end = 0
    for first, stop, text in shape.places_in(tokens):
        place = start + tokens.start_of(next((n for n, span in enumerate(tokens.spans) if span[0] >= first), 0))
        if first < end or text == tokens.line[first:stop] or text_at(document, place) != in_text:
            continue
        end = stop
        owner = (".",) if document.text[: start + first].endswith(".") else ()
        new = (*owner, *shape.new)
        if not in_text and (
            not has_known_names(shape.pattern, new, document, place)
            or gives_what_comes(shape.pattern, new, document, function_around(document, place))
        ):
            continue
        yield Proposal(document, start + first, start + stop, text, Rule.REPEATED, _CONFIDENCE)


def _replaced_text(shape: Shape) -> str:
    """Return "string" if the first word that is replaced is a string, else ""."""
    part = shape.pattern[shape.first] if shape.first < shape.end else 0
    return "string" if isinstance(part, str) and part[0] in "\"'`" else ""


def _words(shape: Shape, one: LineChange, files: WorkspaceFiles) -> list[Proposal]:
    """Return the other places of a word in strings and comments."""
    new = one.new_core[0]
    return [
        Proposal(document, start, start + len(shape.anchor), new, Rule.REPEATED, _CONFIDENCE)
        for document in _documents(one.document, files)
        for start in find_word(document.text, shape.anchor)
        if is_in_text(document, start)
    ]


def _same_names(one: LineChange, other: LineChange, changes: Sequence[LineChange]) -> list[Proposal]:
    """Return the places where one name stands for the same thing as in both changes, if that is no local thing."""
    old, new = one.old_core[0], one.new_core[0]
    pairs = [(one.old_core, one.new_core)]
    pairs += [(change.old_core, change.new_core) for change in changes]
    is_called = all(change.document.text[change.start + len(new) :][:1] == "(" for change in (one, other))
    is_swapped = (one.new_core, one.old_core) in pairs
    if is_swapped or pairs.count(pairs[0]) - 1 < (2 if is_called else _MORE_EXAMPLES):
        return []
    if _is_renamed(new, [change for change in changes if (change.old_core, change.new_core) == pairs[0]]):
        return []
    names = find_names(one.document, (old, new))
    places = [names.at(change.start) if names is not None else None for change in (one, other)]
    if names is None or other.document.path != one.document.path or places[0] is None or places[1] is None:
        return []
    first, second = places[0], places[1]
    home = names.homes[first]
    around = function_around(one.document, one.start)
    is_local = around is not None and around == function_around(other.document, other.start)
    alike = first.role == second.role and home == names.homes[second] and not (first.is_target or second.is_target)
    if not alike or first.role not in (Role.USE, Role.ATTRIBUTE, Role.KEYWORD) or (home and home.kind != "module"):
        return []
    owner = first.owner if first.owner == second.owner else None
    members = {  # of a module that was changed only some may be meant
        member_behind(change.document, change.start + len(new)).strip("(")
        for change in changes
        if change.new_core == one.new_core
    }
    return [
        Proposal(one.document, place.start, place.end, place.shorthand + new, Rule.REPEATED, _CONFIDENCE)
        for place in names.group(home)
        if place.name == old
        and _is_like(place, first, owner)
        and member_behind(one.document, place.end).strip("(") in members
        and (
            not is_local or (around is not None and around[0] <= one.document.position_at(place.start)[0] <= around[1])
        )
    ]


def _is_renamed(new: str, changes: Sequence[LineChange]) -> bool:
    """Return whether one of the changes gives this name to what its file defines or imports."""
    for document in {change.document.path: change.document for change in changes}.values():
        names = find_names(document, (new,))
        starts = {change.start for change in changes if change.document.path == document.path}
        places = [one for one in names.homes if one.start in starts] if names is not None else []
        if any(one.is_target or one.role in (Role.IMPORTED, Role.EXPORTED) for one in places):
            return True
    return False


def _is_like(place: Occurrence, example: Occurrence, owner: str | None) -> bool:
    if place.role != example.role or place.is_target:
        return False
    return place.role == Role.USE or owner is None or place.owner == owner
