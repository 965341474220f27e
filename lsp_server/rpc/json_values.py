"""Values of the parameters that LSP does not know, of which pygls checks nothing."""

from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

_MAX = 2**31


def member(value: Any, name: str) -> Any:
    """Of what pygls makes of a JSON object, which is a dict or a namespace; None of anything else."""
    return value.get(name) if isinstance(value, dict) else getattr(value, name, None)


def parse_range(value: Any) -> types.Range:
    """Raises JsonRpcInvalidParams."""
    ends = [member(value, end) for end in ("start", "end")]
    if None in ends:
        raise JsonRpcInvalidParams("A range has a start and an end, each with a line and a character.")
    return types.Range(
        *(types.Position(*(whole_number(member(end, name)) for name in ("line", "character"))) for end in ends)
    )


def whole_number(value: Any) -> int:
    """From 0. Raises JsonRpcInvalidParams."""
    if type(value) is not int or not 0 <= value < _MAX:
        raise JsonRpcInvalidParams(f"A whole number from 0 is wanted, not {str(value)[:40]!r}.")
    return value
