"""The change that makes a call fit the new parameters of its function."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from context.next_edit.calls.functions import NAMED_SPREAD, Argument, Call, Function, Parameter

_LITERAL = re.compile(r"[-\d\"'\[({]|(?:True|False|None)\b")  # says little without the name of its parameter


@dataclass(frozen=True)
class CallChange:
    """`text` in place of the characters from `start` up to `end`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class _Given:
    """An argument of the changed call: its text, its keyword ("" for none), and its index in the call as it is."""

    text: str
    keyword: str
    index: int | None = None


# The value of a gained parameter at the call; None where it is not known.
ValueOf = Callable[[Parameter], str | None]


def fit_call(
    text: str, call: Call, old: Function, new: Function, value_of: ValueOf, language: str, named: Collection[str] = ()
) -> CallChange | None:
    """Return the change; None for a call that fits, or where in doubt. `text` is that of the call's document.

    `named` are the gained parameters that the user gave by their names in other calls.
    """
    if call.spreads or any(one.gathers for one in (*old.parameters, *new.parameters)):
        return None
    old, new, takes_rest = _without_rest(old), _without_rest(new), any(one.gathers_named for one in new.parameters)
    lost = [one for one in old.parameters if one.name not in names_of(new)]
    gained = [one for one in new.parameters if one.name not in names_of(old) and not _is_given(call, one)]
    if lost and takes_rest:
        return None  # it may take them still
    removed = {index for one in lost if (index := _given_at(call, one, old, new)) is not None}
    if gained and any(_is_in_doubt(call, one, old, new) for one in lost):
        return None
    if gained and len(_by_place(call.arguments)) > len(old.parameters):
        return None
    given = [_Given(one.text, one.keyword, index) for index, one in enumerate(call.arguments) if index not in removed]
    for one in gained:
        value = value_of(one)
        added = _add(given, one, value, new, language, named) if value is not None else None
        if added is None and (removed or not one.has_default):
            return None  # what a lost parameter was given may go to the new one, in another form
        given = added or given
    return _change(text, call, given)


def without(text: str, call: Call, removed: Sequence[Argument]) -> CallChange | None:
    """Return the least change that takes these arguments out of the call."""
    kept = [_Given(one.text, one.keyword, n) for n, one in enumerate(call.arguments) if one not in removed]
    return _change(text, call, kept)


def _without_rest(function: Function) -> Function:
    """Return the function without the parameter that takes the arguments of other names."""
    return replace(function, parameters=tuple(one for one in function.parameters if not one.gathers_named))


def names_of(function: Function) -> list[str]:
    """Return the names of the parameters."""
    return [parameter.name for parameter in function.parameters]


def value_given(call: Call, gained: Parameter, new: Function) -> Argument | None:
    """Return the argument that gives a gained parameter its value in a call that fits already."""
    by_name = next((one for one in call.arguments if one.keyword == gained.name), None)
    place = names_of(new).index(gained.name)
    by_place = _by_place(call.arguments)
    is_by_place = not gained.is_by_name and not new.is_record and place < len(by_place) <= len(new.parameters)
    return by_name or (by_place[place] if is_by_place else None)


def _is_given(call: Call, gained: Parameter) -> bool:
    return any(gained.name in (one.keyword, one.text.rpartition(".")[2]) for one in call.arguments)


def _by_place(arguments: Sequence[Argument]) -> list[Argument]:
    return [one for one in arguments if not one.keyword]


def _is_in_doubt(call: Call, lost: Parameter, old: Function, new: Function) -> bool:
    """Return whether an argument may be that of a lost parameter, or of one that has come in its place."""
    place = names_of(old).index(lost.name)
    is_replaced = len(new.parameters) == len(old.parameters) and new.parameters[place].name not in names_of(old)
    is_by_place = not lost.is_by_name and place < len(_by_place(call.arguments))
    return is_replaced or (is_by_place and _given_at(call, lost, old, new) is None)


def _given_at(call: Call, lost: Parameter, old: Function, new: Function) -> int | None:
    """Return the index of the argument that gives a lost parameter its value; None where there is none, or in doubt."""
    index = next((n for n, one in enumerate(call.arguments) if one.keyword == lost.name), None)
    if index is not None:
        return index
    by_place = _by_place(call.arguments)
    place = names_of(old).index(lost.name)
    if lost.is_by_name or place >= len(by_place):
        return None
    is_too_many = len(by_place) > len([one for one in new.parameters if not one.is_by_name])
    if not is_too_many and by_place[place].text.rpartition(".")[2] != lost.name:
        return None
    return call.arguments.index(by_place[place])


def _add(
    given: Sequence[_Given], gained: Parameter, value: str, new: Function, language: str, named: Collection[str]
) -> list[_Given] | None:
    """Return the arguments with that of a gained parameter; None where the call cannot give it.

    One that may be left out is written with its name in Python, unless the call writes no other name.
    """
    by_place = sum(not one.keyword for one in given)
    if new.is_record and language != "python":
        if by_place:
            return None
        text = gained.name if gained.name == value and language == "rust" else f"{gained.name}: {value}"
        return [*given, _Given(text, gained.name)]
    names = names_of(new)
    index = names.index(gained.name)
    is_plain = 0 < by_place == len(given) == index and gained.name not in named and not _LITERAL.match(value)
    if gained.is_by_name or index > by_place or (gained.has_default and language == "python" and not is_plain):
        if language != "python":
            return None
        later = (*names[index + 1 :], NAMED_SPREAD)
        behind = [n for n, one in enumerate(given, 1) if one.keyword not in later]
        at, added = max(behind, default=0), _Given(f"{gained.name}={value}", gained.name)
    else:
        at, added = index, _Given(value, "")
    return [*given[:at], added, *given[at:]]


def _change(text: str, call: Call, given: Sequence[_Given]) -> CallChange | None:
    """Return the least change that gives the call these arguments."""
    was, now = list(range(len(call.arguments))), [one.index for one in given]
    first = next(
        (n for n, (one, other) in enumerate(zip(was, now, strict=False)) if one != other), min(len(was), len(now))
    )
    last = 0
    while last < min(len(was), len(now)) - first and was[-1 - last] == now[-1 - last]:
        last += 1
    removed, added = call.arguments[first : len(was) - last], given[first : len(now) - last]
    if not removed and not added:
        return None
    if not added:
        cut = _cut(call.arguments, first, len(was) - last - 1)
        return None if any(cut.start < one < cut.end for one in call.comments) else cut
    if removed and any(removed[0].start < one < removed[-1].end for one in call.comments):
        return None
    between = _between(text, call)
    joined = between.join(one.text for one in added)
    if removed:
        return CallChange(removed[0].start, removed[-1].end, joined)
    if not call.arguments:
        return CallChange(call.start + 1, call.start + 1, joined)
    if first < len(call.arguments):
        start = call.arguments[first].start
        return CallChange(start, start, joined + between)
    end = call.arguments[-1].end
    return CallChange(end, end, between + joined)


def _between(text: str, call: Call) -> str:
    """Return the text between two arguments, as the call has it elsewhere."""
    for one, other in pairwise(call.arguments):
        if (between := text[one.end : other.start]).strip() == ",":  # without a comment
            return between
    before = text[call.start + 1 : call.arguments[0].start] if call.arguments else ""
    return "," + before if "\n" in before else ", "


def _cut(arguments: Sequence[Argument], first: int, last: int) -> CallChange:
    if last + 1 < len(arguments):
        return CallChange(arguments[first].start, arguments[last + 1].start, "")
    start = arguments[first - 1].end if first else arguments[0].start
    return CallChange(start, arguments[last].end, "")
