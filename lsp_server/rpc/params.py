"""Handlers of our own requests and commands declare the types of their parameters; these functions read them."""

import inspect
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any, TypeVar, get_type_hints

from pygls.exceptions import JsonRpcInvalidParams

from lsp_server.rpc.converter import WrongValueError, read_value

T = TypeVar("T")


def read_params(value: Any, wanted: type[T], request: str) -> T:
    """Read the parameters into the type `wanted`. Parameters that are left out count as an empty object.

    Raises JsonRpcInvalidParams, which names the request, the member and the type that is wanted.
    """
    if value in (None, []) and is_dataclass(wanted):
        value = {}
    try:
        params: T = read_value(value, wanted, "")
    except WrongValueError as error:
        raise JsonRpcInvalidParams(f"{request}: {error}.") from None
    return params


def params_type(handler: Callable[..., Any]) -> Any:
    """Return the type that a handler declares for its parameters, Any if it declares none."""
    name = next(iter(inspect.signature(handler).parameters))
    return get_type_hints(handler).get(name, Any)


def read_arguments(arguments: list[Any], handler: Callable[..., Any], command: str) -> list[Any]:
    """Read the arguments of a command into the types that its handler declares. Raises JsonRpcInvalidParams."""
    declared, hints = inspect.signature(handler), get_type_hints(handler)
    try:
        given = declared.bind(*arguments).arguments
    except TypeError:
        names = ", ".join(declared.parameters)
        raise JsonRpcInvalidParams(f"{command} takes the arguments ({names}).") from None
    try:
        return [read_value(value, hints[name], f"arguments[{at}]") for at, (name, value) in enumerate(given.items())]
    except WrongValueError as error:
        raise JsonRpcInvalidParams(f"{command}: {error}.") from None
