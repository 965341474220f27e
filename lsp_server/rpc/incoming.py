"""The envelope of JSON-RPC: the body of a message is a call of the client, its answer to the server, or an error."""

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from pygls.exceptions import JsonRpcException, JsonRpcInvalidRequest, JsonRpcParseError

MessageId = int | str


@dataclass(frozen=True)
class Call:
    """A request, or a notification, which has no id and is never answered."""

    id: MessageId | None
    method: str
    params: Any


@dataclass(frozen=True)
class Answer:
    """The client's answer to a request of the server. `members` hold the id and the result or the error."""

    id: MessageId | None
    members: dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """The error that answers a body that is no message, and the id of the body if that is a legal one."""

    id: MessageId | None
    error: JsonRpcException


def read_message(body: bytes) -> Call | Answer | Refusal:
    """Read the body of a message. A body that is no message gives a Refusal."""
    try:
        data = _parse(body)
    except (ValueError, RecursionError):
        return Refusal(None, JsonRpcParseError("The message is not JSON."))
    if not isinstance(data, dict):
        return _refuse(None, "The message is not an object; batches are no part of LSP.")
    number = data.get("id")
    if type(number) not in (int, str):  # True is no id, though Python's 1 equals it
        number = None
    if data.get("jsonrpc") != "2.0":
        return _refuse(number, 'The message does not say "jsonrpc": "2.0".')
    if "method" in data:
        if ("id" in data and number is None) or not isinstance(data["method"], str):
            return _refuse(number, "An id is a string or a whole number, a method is a string.")
        return Call(number, data["method"], data.get("params"))
    if "id" in data and ("result" in data or "error" in data):
        names = ("jsonrpc", "id", "error" if "error" in data else "result")
        return Answer(number, {name: data[name] for name in names})
    return _refuse(number, "The message has neither a method nor a result.")


def _refuse(number: MessageId | None, why: str) -> Refusal:
    return Refusal(number, JsonRpcInvalidRequest(why))


def _parse(body: bytes) -> Any:
    """Parse a body. Raises ValueError if it is not JSON, and RecursionError if it is nested too deeply."""
    # Neovim sends the bytes of a file that is not UTF-8 as they are. documents.py refuses such a file by name.
    return json.loads(body.decode("utf-8", "surrogateescape"), parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")  # though Python's json reads NaN and Infinity
