"""The envelope of JSON-RPC: a body is a call of the client, its answer to a request of the server, or no message."""

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from pygls.exceptions import JsonRpcException, JsonRpcInvalidRequest, JsonRpcParseError

MessageId = int | str


@dataclass(frozen=True)
class Call:
    """A request; or a notification, which has no id and is never answered."""

    id: MessageId | None
    method: str
    params: Any


@dataclass(frozen=True)
class Answer:
    """The client's answer: `members` are the id and either the result or the error, as they came."""

    id: Any
    members: dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """The error that answers a body, with the id if the body has one that is legal."""

    id: MessageId | None
    error: JsonRpcException


def read_message(body: bytes) -> Call | Answer | Refusal:
    """The message that a body holds."""
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
        return Answer(data["id"], {name: data[name] for name in names})
    return _refuse(number, "The message has neither a method nor a result.")


def _refuse(number: MessageId | None, why: str) -> Refusal:
    return Refusal(number, JsonRpcInvalidRequest(why))


def _parse(body: bytes) -> Any:
    """Raises ValueError or RecursionError for a body that is not JSON, or too deep to be read."""
    # Neovim sends a file that is not UTF-8 as it is. documents.py refuses it by name.
    return json.loads(body.decode("utf-8", "surrogateescape"), parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")  # though Python's module writes and reads it
