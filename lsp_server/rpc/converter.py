"""The strict converter reads JSON into LSP's types, and into the dataclasses of our own requests and commands.

cattrs alone makes the string "None" of a null and the number 7 of "7". This converter refuses both.
"""

import inspect
from collections.abc import Callable
from dataclasses import is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

import attrs
from cattrs import Converter
from lsprotocol import types
from lsprotocol.validators import UINTEGER_MAX_VALUE
from pygls.protocol import default_converter

from midspan import MidspanError

UInteger = NewType("UInteger", int)  # as LSP calls it: a whole number from 0 to 2**31 - 1

_Hook = Callable[[Any, Any], Any]


class WrongValueError(MidspanError):
    """A value does not have the type that its place demands. The message says nothing of the value itself."""

    def __init__(self, wanted: str, place: str = "") -> None:
        """`place` is the path from the parameters to the value, such as ".messages[0].role"."""
        super().__init__(f"{place.removeprefix('.') or 'the parameters'} must be {wanted}")
        self._wanted = wanted
        self._place = place

    def inside(self, place: str) -> "WrongValueError":
        """Return the same error with the path that begins at `place`."""
        return WrongValueError(self._wanted, place + self._place)


@cache
def strict_converter() -> Converter:
    """Return the converter of this process, for use by every connection."""
    converter: Converter = default_converter()  # type: ignore[no-untyped-call]  # pygls does not say
    converter.detailed_validation = False  # one error is enough: a string in place of a list has one a character
    converter.register_structure_hook(str, _string)
    converter.register_structure_hook(Union[types.LanguageKind, str], _string)  # noqa: UP007  # as lsprotocol spells it
    converter.register_structure_hook(int, _whole_number)
    converter.register_structure_hook(UInteger, _uinteger)
    converter.register_structure_hook(bool, _truth)
    converter.register_structure_hook(Union[int, str], _number_or_string)  # noqa: UP007  # as lsprotocol spells it
    converter.register_structure_hook_factory(_is_literal, _literal_hook)
    converter.register_structure_hook_factory(_is_list, _list_hook)
    converter.register_structure_hook_factory(is_dataclass, _object_hook)
    return converter


def read_value(value: Any, wanted: Any, place: str) -> Any:
    """Read the JSON value at `place` into the type `wanted`. Raises WrongValueError."""
    kind = _without_none(wanted)
    try:
        if attrs.has(kind):  # a type of LSP, read member by member as our own types are, so that errors name the member
            return _object_hook(kind)(value, kind)
        return strict_converter().structure(value, kind)
    except WrongValueError as error:
        raise error.inside(place) from None
    except (AttributeError, LookupError, TypeError, ValueError):  # of LSP's own converters, which expect right values
        raise WrongValueError(f"a value of LSP's type {getattr(kind, '__name__', kind)}", place) from None


def _string(value: Any, _wanted: Any) -> str:
    if isinstance(value, str):
        return value
    raise WrongValueError("a string")


def _whole_number(value: Any, _wanted: Any) -> int:
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():  # an editor whose only numbers are floats writes 7.0
        return int(value)
    raise WrongValueError("a whole number")


def _uinteger(value: Any, _wanted: Any) -> int:
    number = _whole_number(value, int)
    if 0 <= number <= UINTEGER_MAX_VALUE:
        return number
    raise WrongValueError(f"a whole number from 0 to {UINTEGER_MAX_VALUE}")


def _truth(value: Any, _wanted: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise WrongValueError("true or false")


def _number_or_string(value: Any, _wanted: Any) -> int | str:
    if isinstance(value, str):
        return value
    try:
        return _whole_number(value, int)
    except WrongValueError:
        raise WrongValueError("a string or a whole number") from None


def _is_literal(wanted: Any) -> bool:
    origin: Any = get_origin(wanted)
    return origin is Literal


def _literal_hook(wanted: Any) -> _Hook:
    words = get_args(wanted)

    def structure(value: Any, _wanted: Any) -> Any:
        if isinstance(value, str) and value in words:
            return value
        raise WrongValueError(f"one of {', '.join(words)}")

    return structure


def _is_list(wanted: Any) -> bool:
    return get_origin(wanted) is tuple and get_args(wanted)[1:] == (...,)


def _list_hook(wanted: Any) -> _Hook:
    element = get_args(wanted)[0]

    def structure(value: Any, _wanted: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise WrongValueError("a list")
        return tuple(read_value(inner, element, f"[{index}]") for index, inner in enumerate(value))

    return structure


@cache
def _object_hook(wanted: Any) -> _Hook:
    """Return the hook of a class. Members have the attributes' names in camel case; unknown members are ignored.

    A null counts as a member that is left out.
    """
    hints, parameters = get_type_hints(wanted), inspect.signature(wanted).parameters.values()
    members = [(each.name, _camel_case(each.name), hints[each.name], each.default is each.empty) for each in parameters]

    def structure(value: Any, _wanted: Any) -> Any:
        if not isinstance(value, dict):
            raise WrongValueError("an object")
        found = {}
        for name, json_name, hint, is_required in members:
            given = value.get(json_name)
            if given is not None or is_required:
                found[name] = read_value(given, hint, f".{json_name}")
        return wanted(**found)

    return structure


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def _without_none(wanted: Any) -> Any:
    """Return the type without None, because a null counts as left out and is never read."""
    if get_origin(wanted) not in (Union, UnionType):
        return wanted
    return Union[tuple(part for part in get_args(wanted) if part is not NoneType)]  # noqa: UP007  # not known here
