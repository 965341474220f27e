"""Checks that a change means at a site what it means at its example, by the scopes of the names in it."""

from collections.abc import Iterator, Sequence

from context.documents.document import Document
from context.next_edit.chunks import Chunk, tokens_in
from context.next_edit.evidence import kind_of
from context.next_edit.names.language_names import is_of_language
from context.next_edit.names.occurrences import TARGETS, Occurrence, Role, Scope
from context.next_edit.names.resolve_names import Names, find_names, has_word
from context.next_edit.patterns import changes_all_of_line
from context.next_edit.replacements import Span
from context.next_edit.sites import Site
from context.next_edit.workspace.imported_names import is_of_module
from context.next_edit.workspace.known_names import free_names, has_known_names, inner_names

_USES, _IMPORT_AND_USE = [Role.USE, Role.USE], [Role.IMPORT, Role.USE]  # of an example and a site
_DEFINITIONS = [Role.BINDING, Role.BINDING]
_EQUAL_BESIDE = 3  # tokens on each side
_SELF = frozenset({"self", "cls", "this"})
# Languages in which a file names all that it takes from others.
_NO_HIDDEN_NAMES = frozenset({"python", "typescript", "typescriptreact"})
_HEADERS = frozenset({"def", "func", "function"})


def means_the_same(site: Site, example: int, document: Document, examples: int) -> bool:
    """Return whether the change means at the site what it means at the example. `example` is where that starts.

    `examples` edits changed so. For a name alone there are two other functions.
    """
    kind = kind_of(site.pattern)
    if kind == "beside" and _is_local_name(site):
        return False
    if kind != "member":
        return _means_something(site) and not _takes_away_what_is_used(site, document, examples)
    before = site.pattern.before
    owner = before[1] if len(before) > 1 and site.left > 1 else ""
    return _is_member_of_one_class(site, example) or (owner not in _SELF and _is_of_one_object(site, example, owner))


def _is_local_name(site: Site) -> bool:
    """Return whether the site begins with a name that its function binds, and that did not alone become no name."""
    pattern = site.pattern
    if pattern.is_all_of_line and not len(pattern.chunk.old) == len(pattern.chunk.new) == 1:
        return False
    names = find_names(site.document, (str(pattern.chunk.old[0]),))
    place = names.at(site.start) if names is not None else None
    if names is None or place is None or (home := names.homes[place]) is None:
        return False
    return place.role != Role.ATTRIBUTE and home.kind != "class" and not is_of_module(home)


def stands_for_one_thing(site: Site, example: int) -> bool:
    """Return whether the name is that of one thing of the file at both places, which both use with equal words beside.

    Of several changes of a line, that of a name tells nothing alone.
    """
    pattern = site.pattern
    old, new = str(pattern.chunk.old[0]), str(pattern.chunk.new[0])
    new_line = pattern.edit.new_lines[pattern.chunk.line].strip()
    if not site.left or not site.right or pattern.line.replace(old, new) != new_line:
        return False
    home, places = _common_home(site, example)
    is_used = all(place.role == Role.USE for place in places)
    return home is not None and is_of_module(home) and is_used and _means_something(site)


def is_in_equal_lines(site: Site) -> bool:
    """Return whether the line and the words around it are those of the example, in whose line nothing else changed.

    They tell nothing where both names are bound, for two things, and of a local name only if two functions have the
    new one: until then the user may rename the one of a function.
    """
    pattern = site.pattern
    are_equal_beside = min(site.left, site.right) >= _EQUAL_BESIDE
    if not site.is_equal_line or not are_equal_beside or not changes_all_of_line(pattern.chunk, pattern.edit):
        return False
    old, new = str(pattern.chunk.old[0]), str(pattern.chunk.new[0]) if pattern.chunk.new else ""
    names = find_names(site.document, (old, new))
    homes = names.homes if names is not None else {}
    home = next((scope for one, scope in homes.items() if one.start == site.start), None)
    place = len(site.document.text[: site.start].encode())
    bound = [(one.name, scope) for one, scope in homes.items() if one.role in TARGETS and scope is not None]
    here = {name for name, scope in bound if is_of_module(scope) or scope.start <= place <= scope.end}
    is_local = home is not None and not is_of_module(home)
    functions = {scope for name, scope in bound if name == new and not is_of_module(scope)}
    return not {old, new} <= here and (not is_local or len(functions) > 1)


def is_given_anew(site: Site, typed: Sequence[Span]) -> bool:
    """Return whether the user has given what a name stands for to the new name, further up in the same function.

    `typed` are the offsets of what the last edits have put into the document. All other names are those of a rename.
    """
    old, new = str(site.pattern.chunk.old[0]), str(site.pattern.chunk.new[0])
    names = find_names(site.document, (old, new))
    place = names.at(site.start) if names is not None else None
    if names is None or place is None:
        return False
    home = names.homes[place]
    return (
        home is not None
        and not is_of_module(home)
        and _means_something(site)
        and any(
            one.name == new and one.is_target and scope == home and one.start < site.start and _within(one.start, typed)
            for one, scope in names.homes.items()
        )
    )


def takes_what_came(site: Site, example: int, typed: Sequence[Span]) -> bool:
    """Return whether the new name came into the file with the last edits, and both places use an old one alike.

    The old one is an import, or of the language: a variable of the file changes as the code does.

    `typed` are the offsets of what the last edits have put into the document.
    """
    old, new = str(site.pattern.chunk.old[0]), str(site.pattern.chunk.new[0])
    names = find_names(site.document, (old, new))
    places = _at_both(site, example, names)
    if names is None or [place.role for place in places if place is not None] != _USES:
        return False
    if any(one.name == old and one.role == Role.BINDING for one in names.homes):
        return False
    bound = [(one, home) for one, home in names.homes.items() if one.name == new and one.role in TARGETS]
    return bool(bound and site.left and site.right) and all(
        home is not None and is_of_module(home) and _within(one.start, typed) for one, home in bound
    )


def _is_member_of_one_class(site: Site, example: int) -> bool:
    """Return whether both places use the member of one class, or of none of the file, and none gives it a value."""
    home, places = _common_home(site, example)
    is_own = site.document.language != "python" or all(place.owner in _SELF for place in places)
    if home is not None:
        return is_own and all(place.role == Role.ATTRIBUTE and not place.is_target for place in places)
    names = find_names(site.document, (str(site.pattern.chunk.old[0]), str(site.pattern.chunk.new[0])))
    is_known = names is not None and any(one.is_target for one in names.homes)
    return is_own and not is_known and len(places) == 2 and all(place.owner in _SELF for place in places)


def _common_home(site: Site, example: int) -> tuple[Scope | None, Sequence[Occurrence]]:
    """Return the scope that binds the name at the site and at the example, None if there is not one, and both places.

    The old name and the new one count as one name: where they have two scopes, they stand for two things.
    """
    names = find_names(site.document, (str(site.pattern.chunk.old[0]), str(site.pattern.chunk.new[0])))
    places = _at_both(site, example, names)
    known = [place for place in places if place is not None]
    homes = {names.homes[place] for place in known} if names is not None else set()
    return (homes.pop() if len(known) == 2 and len(homes) == 1 else None), known


def _at_both(site: Site, example: int, names: Names | None) -> list[Occurrence | None]:
    """Return what stands at the example and at the site; nothing in a language without scopes."""
    return [names.at(start) for start in (example, site.start)] if names is not None else []


def _is_of_one_object(site: Site, example: int, owner: str) -> bool:
    """Return whether the name before the dot stands for one thing at both places: for a module, or an object."""
    names = find_names(site.document, (owner, str(site.pattern.chunk.old[0]))) if owner.isidentifier() else None
    place = names.at(site.start) if names is not None else None
    if names is None or place is None or place.role == Role.MODULE:  # in the path of an import
        return False
    owners = [_owner_before(start, owner, names, site.document) for start in (example, site.start)]
    return None not in owners and len({names.homes[one] for one in owners if one is not None}) == 1


def _owner_before(start: int, owner: str, names: Names, document: Document) -> Occurrence | None:
    """Return the name before the dot at a place."""
    before = (one for one in names.homes if one.name == owner and one.end < start)
    return next((one for one in before if document.text[one.end : start].strip() in (".", "?.")), None)


def is_parameter_of_another_function(site: Site, example: int) -> bool:
    """Return whether both places are a parameter, or use one, of two functions, of which that of the site is free.

    A user who gave the parameters of several functions another name goes on with those of the next one.
    """
    old, new = str(site.pattern.chunk.old[0]), str(site.pattern.chunk.new[0])
    names = find_names(site.document, (old, new))
    places = _at_both(site, example, names)
    first, second = places if len(places) == 2 else (None, None)
    if names is None or first is None or second is None:
        return False
    parameters = {(one.name, scope) for one, scope in names.homes.items() if one.is_parameter}
    home = names.homes[second]
    is_renamed = len([name for name, _ in parameters if name == new]) > 1  # in two functions
    is_free = not any(one.name == new and scope == home for one, scope in names.homes.items())
    are_alike = first.is_parameter is second.is_parameter and {(new, names.homes[first]), (old, home)} <= parameters
    return are_alike and is_renamed and bool(site.left or site.right) and is_free


def is_of_another_class(site: Site, example: int, typed: Sequence[Span]) -> bool:
    """Return whether both places define a member in the bodies of two classes; that of the site lacks the new one.

    It is so in two classes already, or in one whose definition had the same line and became more than one of another
    name: to rename a member of one class says nothing of others. `typed` are the offsets of what the last edits have
    put into the document.
    """
    old, new = str(site.pattern.chunk.old[0]), str(site.pattern.chunk.new[0])
    names = find_names(site.document, (old, new))
    places = _at_both(site, example, names)
    if names is None or [place.role for place in places if place is not None] != _DEFINITIONS:
        return False
    first, second = (names.homes[place] for place in places if place is not None)
    if first is None or second is None or first == second or {first.kind, second.kind} != {"class"}:
        return False
    having = {home: one for one, home in names.homes.items() if one.name == new and one.role == Role.BINDING}
    changed = [home for home, one in having.items() if home and home.kind == "class" and _within(one.start, typed)]
    is_other = site.is_equal_line and not changes_all_of_line(site.pattern.chunk, site.pattern.edit)
    return second not in having and (len(changed) > 1 or is_other)


def is_bound_no_more(site: Site, example: int) -> bool:
    """Return whether the file binds the old name nowhere, and the new one as a whole, which the example uses too."""
    old, new = str(site.pattern.chunk.old[0]), str(site.pattern.chunk.new[0])
    language = site.document.language
    if language not in _NO_HIDDEN_NAMES or is_of_language(old, language):
        return False
    names = find_names(site.document, (old, new))
    places = _at_both(site, example, names)
    roles = [Role.IMPORT if place.is_alias else place.role for place in places if place is not None]
    if names is None or roles not in (_USES, _IMPORT_AND_USE):
        return False
    is_old_bound = any(one.name == old and one.role in TARGETS for one in names.homes)
    bound = [home for one, home in names.homes.items() if one.name == new and one.role in TARGETS]
    return not is_old_bound and any(home is not None and is_of_module(home) for home in bound)


def _means_something(site: Site) -> bool:
    """Return whether each name that the site would get is bound there, by the change, or nowhere in the file."""
    chunk = site.pattern.chunk
    is_own_file = site.document.path == site.pattern.edit.path
    known = (*chunk.old, *_bound_names(site), *inner_names(chunk.new))
    return has_known_names(known, chunk.new, site.document, site.start, is_at_example=is_own_file)


def _bound_names(site: Site) -> Iterator[str]:
    """Yield the names that the new code itself binds: behind `as`, if it also uses them, or before `:` or `=`."""
    chunk = site.pattern.chunk
    new = chunk.new
    is_header = site.pattern.callee.partition(" ")[0] in _HEADERS
    firsts = _firsts_of_lines(chunk) if chunk.is_lines else ()
    for index, part in enumerate(new):
        before = new[index - 1] if index else ","
        is_first = index in firsts
        is_parameter = is_header and before in ("(", ",", "*")
        is_given = (is_parameter or is_first) and new[index + 1 : index + 2] in ((":",), ("=",))
        if isinstance(part, str) and ((before == "as" and new.count(part) > 1) or is_given):
            yield part


def _firsts_of_lines(chunk: Chunk) -> set[int]:
    """Return the indexes of the new parts that begin a line of those that came."""
    tokens = tokens_in(chunk.text.splitlines(keepends=True))
    first = chunk.kept[0] if chunk.kept else 0
    return {first + n for n, token in enumerate(tokens) if not n or tokens[n - 1].line < token.line}


def _takes_away_what_is_used(site: Site, example: Document, examples: int) -> bool:
    """Return whether the site would lose a parameter, a variable or an import that is used elsewhere in the file.

    One that has a value from elsewhere too is not lost. A parameter may go where it went from other functions or from
    one of the same name, and a whole line where the file of the `example` has none of its names any more: the uses go
    next.
    """
    may_lose = examples > 1 or site.is_same_callee
    old, new = (set(free_names(parts)) for parts in (site.pattern.chunk.old, site.pattern.chunk.new))
    if old <= new or not new <= old:
        return False
    is_elsewhere = site.pattern.chunk.is_lines and site.pattern.chunk.old[-1] != "," and site.document is not example
    names = find_names(site.document, old - new)
    homes = names.homes if names is not None else {}
    targets = [(one, home) for one, home in homes.items() if one.is_target and home is not None]
    kept = {(one.name, home) for one, home in targets if not site.start <= one.start < site.end}
    lost = {
        (one.name, home)
        for one, home in targets
        if (one.name, home) not in kept and not (one.is_parameter and may_lose)
        if not is_elsewhere or has_word(example.text, one.name)
    }
    return any(
        (one.name, home) in lost and one.role == Role.USE and not site.start <= one.start < site.end
        for one, home in homes.items()
    )


def _within(start: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(first <= start < end for first, end in spans)
