"""Checks of the names in a change: the file knows those that come, and gives a meaning to those that go."""

import keyword
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from context.documents.document import Document
from context.next_edit.names.language_names import is_of_language
from context.next_edit.names.occurrences import TARGETS, Occurrence, Role
from context.next_edit.names.resolve_names import find_names, find_word, is_bound
from context.next_edit.workspace.imported_names import is_of_module
from context.syntax.tree import tree_of

_COMMON_WORDS = frozenset({"range", "len", "make", "nil", "null", "undefined", "true", "false", "new", "func", "any"})
_INNER = {"lambda": ":", "for": "in"}  # what begins the names that code binds for itself, and what ends them


def has_known_names(
    old: Sequence[str | int], new: Sequence[str | int], document: Document, start: int, *, is_at_example: bool = False
) -> bool:
    """Return whether each name that comes with the new parts is bound where these stand, or nowhere in the file.

    One that is bound nowhere has to stand at other places too; `is_at_example`: to stand at the example is enough, for
    which the user will import it.
    """
    came = (name for name in free_names(new) if name not in old)
    return all(_is_known(name, 0 if is_at_example else new.count(name), document, start) for name in came)


def gives_what_comes(
    old: Sequence[str | int], new: Sequence[str | int], document: Document, around: tuple[int, int] | None
) -> bool:
    """Return whether the function on the lines `around` is a name that comes with the new parts, or gives it its value.

    There the old parts say what the new name means.
    """
    came = {part for part in new if isinstance(part, str) and part.isidentifier() and part not in old}
    names = find_names(document, came) if around is not None and came else None
    if names is None or around is None:
        return False
    for one in names.homes:
        line = document.position_at(one.start)[0]
        is_own_name = one.role == Role.BINDING and not one.is_parameter and line == around[0]
        is_member = one.role == Role.ATTRIBUTE and around[0] <= line <= around[1]
        if one.is_target and (is_own_name or is_member):
            return True
    return False


def loses_what_means_nothing(old: Sequence[str | int], new: Sequence[str | int], document: Document) -> bool:
    """Return whether a name that would go is bound nowhere in the file, and comes with no language."""
    lost = [name for name in free_names(old) if name not in new]
    return any(not is_of_language(name, document.language) and not is_bound(document, name) for name in lost)


def free_names(parts: Sequence[str | int]) -> Iterator[str]:
    """Yield the names that are neither behind a dot nor those of arguments."""
    for index, part in enumerate(parts):
        is_behind_dot = index > 0 and parts[index - 1] == "."
        is_of_argument = index > 0 and parts[index - 1] == "," and parts[index + 1 : index + 2] == ("=",)
        is_name = isinstance(part, str) and part.isidentifier() and not keyword.iskeyword(part)
        if is_name and not is_behind_dot and not is_of_argument:
            yield str(part)


def inner_names(parts: Sequence[str | int]) -> Iterator[str]:
    """Yield the names that code binds for itself alone: those of a lambda, a comprehension or an arrow function."""
    for index, part in enumerate(parts):
        if part in _INNER:
            end = next((n for n in range(index, len(parts)) if parts[n] == _INNER[str(part)]), index)
            yield from _bound(parts[index:end], {part, ",", "("})
        elif tuple(parts[index : index + 2]) == ("=", ">"):
            start = index - 1
            if parts[start] == ")":
                start = next((n for n in range(start, 0, -1) if parts[n] == "("), start)
            yield from _bound(("(", *parts[start:index]), {"(", ","})


def _bound(parts: Sequence[str | int], before: Collection[str | int]) -> Iterator[str]:
    return (str(part) for left, part in pairwise(parts) if left in before and str(part).isidentifier())


def _is_known(name: str, count: int, document: Document, start: int) -> bool:
    """Return whether a name is bound at the place; one that nothing binds has to stand at more than `count` places."""
    names = find_names(document, (name,))
    targets = [] if names is None else [one for one in names.homes if one.is_target and one.role in TARGETS]
    if names is None or not targets:
        is_builtin = is_of_language(name, document.language) or name in _COMMON_WORDS
        return is_builtin or len(list(find_word(document.text, name))) > count
    place = len(document.text[:start].encode())
    if all(_is_type_parameter(one, document) for one in targets):  # each signature has it for itself
        return True
    homes = [names.homes[one] for one in targets]
    return any(home is None or is_of_module(home) or home.start <= place <= home.end for home in homes)


def _is_type_parameter(one: Occurrence, document: Document) -> bool:
    tree = tree_of(document)
    return tree is not None and tree.path(one.start, one.end)[-2][0].type == "type_parameter"
