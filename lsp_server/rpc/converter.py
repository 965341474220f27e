"""What reads parameters into LSP's types. Unlike pygls's own, it takes no value for what it is not."""

from typing import Any, Union

from cattrs import Converter
from pygls.protocol import default_converter


def strict_converter() -> Converter:
    """Its errors say that parameters are wrong, where cattrs would make "None" a URI and of "7" a line."""
    converter: Converter = default_converter()  # type: ignore[no-untyped-call]  # pygls does not say
    converter.detailed_validation = False  # the first mistake is enough: a text for a list has one in each character
    converter.register_structure_hook(str, _string)
    converter.register_structure_hook(int, _whole_number)
    converter.register_structure_hook(bool, _truth)
    converter.register_structure_hook(Union[int, str], _number_or_string)  # noqa: UP007  # as lsprotocol spells it
    return converter


def _string(value: Any, _type: Any) -> str:
    if isinstance(value, str):
        return value
    raise TypeError("not a string")


def _whole_number(value: Any, _type: Any) -> int:
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():  # as an editor whose only numbers are floats writes it
        return int(value)
    raise TypeError("not a whole number")


def _truth(value: Any, _type: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise TypeError("neither true nor false")


def _number_or_string(value: Any, _type: Any) -> int | str:
    return value if isinstance(value, str) else _whole_number(value, int)
