"""The rule of a changed signature: the calls of a function that has gained or lost parameters."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from context.documents.document import Document
from context.documents.edits import Edit
from context.next_edit.argument_values import Value, find_value
from context.next_edit.before import before_edits, blocks_with
from context.next_edit.calls.fitted_call import CallChange, fit_call, names_of, value_given, without
from context.next_edit.calls.functions import NAMED_SPREAD, Argument, Call, Function, Parameter, call_at, functions_in
from context.next_edit.calls.lost_names import cut_names
from context.next_edit.calls.records import literal_at, records_in
from context.next_edit.names.occurrences import SELF, Occurrence, Role, Scope
from context.next_edit.names.python_classes import python_classes
from context.next_edit.names.resolve_names import find_names, find_occurrences, find_word, has_word
from context.next_edit.proposal import Proposal, Rule
from context.next_edit.replacements import Span, typed_spans
from context.next_edit.workspace.imported_names import find_importing_places, is_of_module
from context.next_edit.workspace.member_places import find_member_places, member_of
from context.next_edit.workspace.workspace_files import WorkspaceFiles
from context.syntax.tree import Tree, tree_of

_CONFIDENCE = 0.85
_MAX_CALLS = 60
_MAX_OF_NAME = 30  # functions of one name, of which one may be wrapped
_ENOUGH = 3  # proposals: the next ones are found when these are accepted

_Place = tuple[Document, Occurrence, float]  # with the share of such places that are calls of the function
_Typed = Mapping[str, Sequence[Span]]  # by the paths of the documents what the last edits have put there


def find_calls_to_change(edits: Sequence[Edit], files: WorkspaceFiles) -> list[Proposal]:
    """Return the calls that do not fit the functions whose parameters the last edits have changed."""
    proposals: list[Proposal] = []
    for path in dict.fromkeys(edit.path for edit in edits):
        document = files.open.get(path)
        if document is None or tree_of(document) is None:
            continue
        for old, new in _changed(document, edits):
            proposals += _calls_to_change(document, old, new, edits, files)
            if len(proposals) >= _ENOUGH:
                return proposals
    return proposals


def _calls_to_change(
    document: Document, old: Function, new: Function, edits: Sequence[Edit], files: WorkspaceFiles
) -> list[Proposal]:
    handed_on = list(_handed_on(document, old, new, files))
    places = [*_places(document, old, new, files), *handed_on]
    typed = {path: typed_spans(edits, document) for path, document in files.open.items()}
    given = dict(_given(places, old, new, typed))
    by_name = {name for name, value in given.items() if value.is_named}
    of_others = by_name | {one.name for one in _gained(old, new)}  # another function may have them at other places
    found = [
        one
        for place in places
        if (one := _fit(place, old, new, given, typed, of_others if place in handed_on else by_name)) is not None
    ]
    found = found or [one for place in handed_on if (one := _without_lost(place, old, new)) is not None]
    cuts = [_proposal(document, cut) for cut in cut_names(document, new.start, _gone(old, new))]
    found += [one for one in cuts if not any(map(one.touches, found))]
    if found:
        return found
    is_shorter = bool(_lost(old, new))
    gained = [one for one in _gained(old, new) if one.name not in given]
    needed = [one.name for one in gained if not (one.has_default and is_shorter)]
    calls = _member_places(document, new, needed, files)
    return [one for place in calls if (one := _fit(place, old, new, given, typed, by_name)) is not None]


def _changed(document: Document, edits: Sequence[Edit]) -> Iterator[tuple[Function, Function]]:
    """Yield the functions of the document whose parameters were changed, as they were and as they are."""
    tree = tree_of(document)
    spans = [
        (edit.first_line, edit.first_line + max(0, len(edit.new_lines) - 1)) for edit in edits if edit.stands(document)
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
        header = f"{function.own_name}{document.text[function.start : function.end]}"
        if header in before.text and before.text.count(header) >= document.text.count(header):
            del now[key]
    for function in now.values():
        if len(_alike(document, function)) > 1:
            continue  # which of them a call means is not known
        found = _as_it_was(before, function)
        if len({tuple(names_of(one)) for one in found}) == 1 and names_of(found[0]) != names_of(function):
            yield found[0], function


def _as_it_was(before: Document, function: Function) -> list[Function]:
    """Return the functions of the document as it was that may be this one."""
    blocks = blocks_with(before, function.own_name)
    tree = tree_of(blocks)
    found = _alike(blocks, function)
    # Blocks that parse were not cut in two, so the rest of the document has no such function either.
    return found or ([] if tree is not None and not tree.root.has_error else _alike(before, function))


def _alike(document: Document, function: Function) -> list[Function]:
    """Return the functions of a document that have the name of this one and stand in a class of the same name."""
    if (tree := tree_of(document)) is None:
        return []
    lines = {document.position_at(start)[0] for start in find_word(document.text, function.own_name)}
    headers = {old.start: old for line in lines for old in _headers(tree, line, line)}
    return [old for old in headers.values() if old.key == function.key]


def _headers(tree: Tree, first_line: int, last_line: int) -> Iterator[Function]:
    yield from functions_in(tree, first_line, last_line)
    yield from records_in(tree, first_line, last_line)


def _places(document: Document, old: Function, function: Function, files: WorkspaceFiles) -> Iterator[_Place]:
    """Yield the places of the function's name: in its file, and in files that import it."""
    names = find_names(document, (function.name,))
    named = names.at(function.name_start) if names is not None else None
    home = names.homes[named] if names is not None and named is not None else None
    if names is None or named is None or home is None:
        return
    for one in names.group(home):
        if not one.is_target:
            yield document, one, _CONFIDENCE
    for base in list(python_classes(document).lookup(home))[1:] if not _lost(old, function) else ():
        # A class that calls on itself what a class below it overrides.
        yield from ((document, one, _CONFIDENCE) for one in names.group(base) if one.owner in SELF)
    if is_of_module(home):
        count = 0
        for other, places in find_importing_places(document, function.name, function.name, files):
            yield from ((other, place, _CONFIDENCE) for place in places)
            count += len(places)
            if count > _MAX_CALLS:
                return


def _handed_on(document: Document, old: Function, new: Function, files: WorkspaceFiles) -> Iterator[_Place]:
    """Yield the calls in a function's own body of another one of its name that hand its parameters on.

    Such are the method of a superclass, and what a wrapper wraps. They still hand on a lost parameter, or they hand on
    others, and a function of that name takes the gained ones.
    """
    lost, gained = _lost(old, new), _gained(old, new)
    tree = tree_of(document)
    if not (lost or gained) or tree is None or document.language != "python":
        return
    around = (node for node, _ in reversed(tree.path(new.start, new.start)) if node.type == "function_definition")
    node = next(around, None)
    if node is None or not has_word(document.text[new.end : tree.end(node)], new.own_name):
        return
    body = Scope(node.start_byte, node.end_byte, "function")
    for one in find_occurrences(document, (new.own_name,)) or ():
        call = _call(document, one, new) if body in one.scopes else None
        if call is None or one.role not in (Role.USE, Role.ATTRIBUTE):
            continue
        values = {_value_of(argument) for argument in call.arguments}
        is_wrapper = not values.isdisjoint(names_of(old)) and bool(gained)
        if not values.isdisjoint(lost) or (is_wrapper and _another_takes(gained, new, files)):
            yield document, one, _CONFIDENCE


def _another_takes(gained: Sequence[Parameter], new: Function, files: WorkspaceFiles) -> bool:
    """Return whether a function of this name in another class, or in none, has the gained parameters too."""
    found = files.view.definitions([new.own_name], _MAX_OF_NAME) if files.view is not None else {}
    headers = [one.symbol for one in found.get(new.own_name, ())]
    return any(
        header.container != new.container and all(has_word(header.signature, one.name) for one in gained)
        for header in headers
    )


def _without_lost(where: _Place, old: Function, new: Function) -> Proposal | None:
    """Return the change after which a call no longer hands lost parameters on, whose names stand for nothing."""
    document, place, confidence = where
    call = _call(document, place, new)
    lost = _gone(old, new)
    change = without(document.text, call, [one for one in call.arguments if _value_of(one) in lost]) if call else None
    return _proposal(document, change, confidence) if change is not None else None


def _proposal(
    document: Document, change: CallChange, confidence: float = _CONFIDENCE, rule: Rule = Rule.SIGNATURE
) -> Proposal:
    return Proposal(document, change.start, change.end, change.text, rule, confidence)


def _value_of(argument: Argument) -> str:
    return argument.text.partition("=")[2].strip() if argument.keyword else argument.text


def _member_places(
    document: Document, function: Function, needed: Sequence[str], files: WorkspaceFiles
) -> Iterator[_Place]:
    """Yield the places of a method's name outside its class, of a public one, where a file has the needed words."""
    names = find_names(document, (function.name,))
    named = names.at(function.name_start) if names is not None else None
    home = names.homes[named] if names is not None and named is not None else None
    if names is None or home is None:
        return
    member = member_of(home, names.group(home), document, function.name, function.name)
    for other, places in find_member_places(member, document, files, needed) if member is not None else ():
        yield from ((other, place, confidence) for place, confidence in places if not place.is_target)


def _given(places: Sequence[_Place], old: Function, new: Function, typed: _Typed) -> Iterator[tuple[str, Value]]:
    """Yield the values that the last edits gave the new parameters in calls, those of the same file last."""
    if not (gained := _gained(old, new)):
        return
    for document, place, _ in reversed(places):
        if document.path not in typed or _gives_instance(document, place, new):
            continue
        if (call := _call(document, place, new)) is None:
            continue
        for one in gained:
            argument = value_given(call, one, new)
            if argument is not None and _meets(argument, typed[document.path]):
                yield one.name, Value(_value_of(argument), document, bool(argument.keyword))


def _meets(part: Argument | Call, spans: Sequence[Span]) -> bool:
    return any(start < part.end and part.start < end for start, end in spans)


def _lost(old: Function, new: Function) -> set[str]:
    return set(names_of(old)) - set(names_of(new))


def _gone(old: Function, new: Function) -> set[str]:
    """Return the lost parameters, none where as many may have come for them."""
    return _lost(old, new) if len(new.parameters) < len(old.parameters) else set()


def _gained(old: Function, new: Function) -> list[Parameter]:
    return [one for one in new.parameters if one.name not in names_of(old) and not one.gathers_named]


def _call(document: Document, place: Occurrence, new: Function) -> Call | None:
    tree = tree_of(document)
    call = call_at(tree, place.start, place.end) if tree is not None else None
    return literal_at(tree, place.start, place.end) if call is None and new.is_record and tree is not None else call


def _gives_instance(document: Document, place: Occurrence, function: Function) -> bool:
    """Return whether a call of a method may go through its class, so that the instance is its first argument."""
    if not function.is_of_instance or function.is_constructor:
        return False
    owner = place.owner.rpartition(".")[2]
    is_class = owner == function.container or owner in python_classes(document).by_name
    return is_class or document.text.endswith("::", 0, place.start)


def _fit(
    where: _Place, old: Function, new: Function, given: Mapping[str, Value], typed: _Typed, by_name: Collection[str]
) -> Proposal | None:
    """Return the change that makes a call fit the new parameters; None for one that fits, or where in doubt.

    The parameters `by_name` are given so. A call to which the user has just given new arguments has all that it needs.
    """
    document, place, confidence = where
    call = _call(document, place, new)
    if call is None or _gives_instance(document, place, new):
        return None
    sureness = [confidence]
    is_done = any(_meets(one, typed.get(document.path, ())) for one in call.arguments)
    is_only_longer = not (_lost(old, new) or new.is_record)
    is_rest = all(_is_rest(one, document) for one in call.arguments if one.keyword == NAMED_SPREAD)

    def value_of(gained: Parameter) -> str | None:
        if (is_done and gained.has_default) or not is_rest:
            return None
        is_needed = is_only_longer and not gained.has_default
        found = find_value(document, place, gained, given.get(gained.name), is_needed=is_needed)
        sureness.append(found[1] if found is not None else 1.0)
        return found[0] if found is not None else None

    change = fit_call(document.text, call, old, new, value_of, document.language, by_name)
    rule = Rule.FIELD if new.is_record else Rule.SIGNATURE
    return _proposal(document, change, min(sureness), rule) if change is not None else None


def _is_rest(argument: Argument, document: Document) -> bool:
    """Return whether Python's `**values` are what the function around them took so: they hold no named parameter."""
    start = argument.start + len(NAMED_SPREAD)
    names = find_names(document, (document.text[start : argument.end],))
    place = names.at(start) if names is not None else None
    group = names.group(names.homes[place]) if names is not None and place is not None else []
    targets = [one.start for one in group if one.is_target]
    return bool(targets) and all(document.text.startswith(NAMED_SPREAD, start - len(NAMED_SPREAD)) for start in targets)
