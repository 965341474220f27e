"""The parameters of our own requests and the arguments of our commands, read into the types that handlers declare."""

import inspect
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any, TypeVar, get_type_hints

from pygls.exceptions import JsonRpcInvalidParams

from lsp_server.rpc.converter import WrongValueError, read_value

T = TypeVar("T")


def read_params(value: Any, wanted: type[T], request: str) -> T:
    """The parameters as `wanted`; no parameters are an object without members.

    Raises JsonRpcInvalidParams, which names the request, the place and what is wanted there.
    """
    if value in (None, []) and is_dataclass(wanted):
        value = {}
    try:
        params: T = read_value(value, wanted, "")
    except WrongValueError as error:
        raise JsonRpcInvalidParams(f"{request}: {error}.") from None
    return params


def params_type(handler: Callable[..., Any]) -> Any:
    """The type of the parameters that a handler declares; Any where it declares none."""
    name = next(iter(inspect.signature(handler).parameters))
    return get_type_hints(handler).get(name, Any)


def read_arguments(arguments: list[Any], handler: Callable[..., Any], command: str) -> list[Any]:
    """The arguments as the handler of the command declares them. Raises JsonRpcInvalidParams."""
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
