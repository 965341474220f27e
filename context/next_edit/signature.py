"""The rule of a changed signature: the calls of a function that has gained or lost a parameter."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from context.documents.document import Document
from context.documents.edits import Edit
from context.next_edit.before import before_edits
from context.next_edit.functions import Argument, Call, Function, Parameter, call_at, functions_in
from context.next_edit.names.occurrences import Occurrence, Role
from context.next_edit.names.resolve_names import find_names, find_word
from context.next_edit.proposal import Proposal, Rule
from context.next_edit.records import literal_at, records_in
from context.next_edit.replacements import stands, typed_spans
from context.next_edit.workspace.imported_names import find_importing_places, is_of_module
from context.next_edit.workspace.workspace_files import WorkspaceFiles
from context.syntax.tree import Tree, tree_of

_CONFIDENCE = 0.85
_MAX_CALLS = 60


def find_calls_to_change(edits: Sequence[Edit], files: WorkspaceFiles) -> list[Proposal]:
    """Return the calls that do not fit the functions whose parameters the last edits have changed."""
    for path in dict.fromkeys(edit.path for edit in edits):
        document = files.open.get(path)
        if document is None or tree_of(document) is None:
            continue
        for old, new in _changed(document, edits):
            found = [
                proposal
                for place_document, place in _places(document, new, files)
                if (proposal := _fit(place_document, place, old, new)) is not None
            ]
            if found:
                return found
    return []


def _changed(document: Document, edits: Sequence[Edit]) -> Iterator[tuple[Function, Function]]:
    """Yield the functions of the document whose parameters were changed, as they were and as they are."""
    tree = tree_of(document)
    spans = [
        (edit.first_line, edit.first_line + max(0, len(edit.new_lines) - 1))
        for edit in edits
        if edit.path == document.path and stands(edit, document)
    ]
    typed = typed_spans(edits, document)
    now = {
        function.key: function
        for first, last in spans
        if tree is not None
        for function in _headers(tree, first, last)
        if any(start <= function.end and function.start <= end for start, end in typed)
    }
    before = before_edits(document, edits)
    for key, function in list(now.items()):  # to parse the document as it was takes long
        if f"{function.own_name}{document.text[function.start : function.end]}" in before.text:
            del now[key]
    if not now:
        return
    old_tree = tree_of(before)
    if old_tree is None:
        return
    for key, function in now.items():
        lines = {before.position_at(start)[0] for start in find_word(before.text, function.own_name)}
        found = {old.start: old for line in lines for old in _headers(old_tree, line, line) if old.key == key}
        old = list(found.values())
        if len(old) == 1 and _names(old[0].parameters) != _names(function.parameters):
            yield old[0], function


def _headers(tree: Tree, first_line: int, last_line: int) -> Iterator[Function]:
    yield from functions_in(tree, first_line, last_line)
    yield from records_in(tree, first_line, last_line)


def _names(parameters: Sequence[Parameter]) -> list[str]:
    return [parameter.name for parameter in parameters]


def _places(document: Document, function: Function, files: WorkspaceFiles) -> Iterator[tuple[Document, Occurrence]]:
    """Yield the places of the function's name: in its file, and if there is nothing to change, in other files."""
    names = find_names(document, (function.name,))
    named = names.at(function.name_start) if names is not None else None
    home = names.homes[named] if names is not None and named is not None else None
    if names is None or named is None or home is None:
        return
    for one in names.group(home):
        if not one.is_target:
            yield document, one
    if is_of_module(home):
        count = 0
        for other, places in find_importing_places(document, function.name, function.name, files):
            yield from ((other, place) for place in places)
            count += len(places)
            if count > _MAX_CALLS:
                return


def _fit(document: Document, place: Occurrence, old: Function, new: Function) -> Proposal | None:
    """Return the change that makes a call fit the new parameters; None for one that fits, or where in doubt."""
    tree = tree_of(document)
    call = call_at(tree, place.start, place.end) if tree is not None else None
    if call is None and new.is_record and tree is not None:
        call = literal_at(tree, place.start, place.end)
    if call is None or call.spreads or any(one.gathers for one in (*old.parameters, *new.parameters)):
        return None
    gained = [one for one in new.parameters if one.name not in _names(old.parameters)]
    lost = [one for one in old.parameters if one.name not in _names(new.parameters)]
    found: Proposal | None = None
    if len(gained) == 1 and not lost:
        found = _add(document, place, call, gained[0], old, new)
    if lost and not gained:
        found = _remove(document, call, lost, old, new)
    return replace(found, rule=Rule.FIELD) if found is not None and new.is_record else found


def _add(
    document: Document, place: Occurrence, call: Call, gained: Parameter, old: Function, new: Function
) -> Proposal | None:
    by_place = [one for one in call.arguments if not one.keyword]
    index = _names(new.parameters).index(gained.name)
    is_given = any(gained.name in (one.keyword, one.text.rpartition(".")[2]) for one in call.arguments)
    if is_given or len(by_place) > len(old.parameters):
        return None
    value = _value(document, place, gained.name, gained.has_default)
    if value is None:
        return None
    if new.is_record and document.language != "python":
        if by_place:
            return None
        text = gained.name if gained.name == value and document.language == "rust" else f"{gained.name}: {value}"
        return _insert(document, call, len(call.arguments), text)
    if gained.is_by_name or index > len(by_place) or (gained.has_default and document.language == "python"):
        if document.language != "python":
            return None
        earlier = _names(new.parameters)[:index]
        behind = [n for n, one in enumerate(call.arguments, 1) if not one.keyword or one.keyword in earlier]
        return _insert(document, call, max(behind, default=0), f"{gained.name}={value}")
    return _insert(document, call, index, value)


def _value(document: Document, place: Occurrence, name: str, has_default: bool) -> str | None:
    """Return what stands for a parameter of this name at a place: a variable of its name; None where there is none."""
    names = find_names(document, (name,))
    if document.language == "go" and (names is None or not any(one.role == Role.BINDING for one in names.homes)):
        name = name[0].lower() + name[1:]  # the field `Size` of a variable `size`
        names = find_names(document, (name,))
    for one, home in names.homes.items() if names is not None else ():
        if home is None or not one.is_target or one.role not in (Role.BINDING, Role.IMPORT):
            continue
        if home in place.scopes and (home.kind != "class") and (one.start < place.start or is_of_module(home)):
            return name
    if names is not None and document.language == "python" and place.owner == "self" and not has_default:
        classes = [scope for scope in place.scopes if scope.kind == "class"]
        if any(home in classes and one.role == Role.ATTRIBUTE and one.is_target for one, home in names.homes.items()):
            return f"self.{name}"
    return _named_beside(document, place, name) if not has_default else None


def _named_beside(document: Document, place: Occurrence, name: str) -> str | None:
    """Return the one expression `….name` that the function of the place uses too; None where there is none."""
    inner = next((scope for scope in place.scopes if scope.kind not in ("class", "module", "program")), None)
    if inner is None or is_of_module(inner):
        return None
    text = document.text.encode()[inner.start : inner.end].decode(errors="replace")
    found = set(re.findall(rf"(?<![\w.)\]])((?:\w+\.)+{re.escape(name)})(?![\w(=.])", text))
    return found.pop() if len(found) == 1 else None


def _insert(document: Document, call: Call, index: int, text: str) -> Proposal:
    if not call.arguments:
        return _proposal(document, call.start + 1, call.start + 1, text)
    if index < len(call.arguments):
        start = call.arguments[index].start
        between = _between(document, call, index)
        return _proposal(document, start, start, text + between)
    end = call.arguments[-1].end
    return _proposal(document, end, end, _between(document, call, index) + text)


def _between(document: Document, call: Call, index: int) -> str:
    """Return the text between two arguments, as the call has it elsewhere."""
    if len(call.arguments) > 1:
        return document.text[call.arguments[0].end : call.arguments[1].start]
    if index == 0 and document.text[call.start + 1 : call.arguments[0].start].strip(" ") == "":
        return ", "
    before = document.text[call.start + 1 : call.arguments[0].start]
    return "," + before if "\n" in before else ", "


def _remove(document: Document, call: Call, lost: Sequence[Parameter], old: Function, new: Function) -> Proposal | None:
    """Return the change that removes the arguments of the lost parameters; of several apart, only the first ones."""
    indexes = sorted(index for one in lost if (index := _given_at(call, one, old, new)) is not None)
    if not indexes:
        return None
    last = indexes[0]
    while last + 1 in indexes:
        last += 1
    return _cut(document, call.arguments, indexes[0], last)


def _given_at(call: Call, lost: Parameter, old: Function, new: Function) -> int | None:
    """Return the index of the argument that gives a lost parameter its value; None where there is none, or in doubt."""
    by_place = [one for one in call.arguments if not one.keyword]
    index = next((n for n, one in enumerate(call.arguments) if one.keyword == lost.name), None)
    if index is not None:
        return index
    place = _names(old.parameters).index(lost.name)
    if lost.is_by_name or place >= len(by_place):
        return None
    is_too_many = len(by_place) > len([one for one in new.parameters if not one.is_by_name])
    if not is_too_many and by_place[place].text.rpartition(".")[2] != lost.name:
        return None
    return place


def _cut(document: Document, arguments: Sequence[Argument], first: int, last: int) -> Proposal:
    if last + 1 < len(arguments):
        return _proposal(document, arguments[first].start, arguments[last + 1].start, "")
    start = arguments[first - 1].end if first else arguments[0].start
    return _proposal(document, start, arguments[last].end, "")


def _proposal(document: Document, start: int, end: int, text: str) -> Proposal:
    return Proposal(document, start, end, text, Rule.SIGNATURE, _CONFIDENCE)
