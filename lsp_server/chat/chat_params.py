"""What a client says with midspan/chat."""

from dataclasses import dataclass
from typing import Any, get_args

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from inference.api import Role
from lsp_server.rpc.json_values import parse_range

_ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Reference:
    """A file, or the lines of it that a range touches."""

    uri: str
    range: types.Range | None


@dataclass(frozen=True)
class ChatMessage:
    """`references` stand before what the message says."""

    role: Role
    content: str
    references: tuple[Reference, ...]


@dataclass(frozen=True)
class ChatParams:
    """`token`: whom to tell each piece of the answer. `uri`: the document that the user looks at, if that is said."""

    messages: tuple[ChatMessage, ...]
    token: str | int | None
    uri: str | None


def parse_chat(params: Any) -> ChatParams:
    """From what pygls makes of the JSON. Raises JsonRpcInvalidParams."""
    messages = tuple(map(_message, _list(params, "messages")))
    if not messages or messages[-1].role != "user":
        raise JsonRpcInvalidParams("midspan/chat: the last of the messages is the user's.")
    token = getattr(params, "partialResultToken", None)
    if token is not None and not isinstance(token, str | int):
        raise JsonRpcInvalidParams("midspan/chat: partialResultToken is a string or a number.")
    document = getattr(params, "textDocument", None)
    uri = getattr(document, "uri", None)
    if document is not None and not isinstance(uri, str):
        raise JsonRpcInvalidParams("midspan/chat: a textDocument has a uri.")
    return ChatParams(messages, token, uri)


def _message(value: Any) -> ChatMessage:
    content = getattr(value, "content", None)
    role = next((role for role in _ROLES if role == getattr(value, "role", None)), None)
    if role is None or not isinstance(content, str):
        raise JsonRpcInvalidParams(f"midspan/chat: a message has a role ({', '.join(_ROLES)}) and a content.")
    return ChatMessage(role, content, tuple(map(_reference, _list(value, "references"))))


def _reference(value: Any) -> Reference:
    uri, where = getattr(value, "uri", None), getattr(value, "range", None)
    if not isinstance(uri, str):
        raise JsonRpcInvalidParams("midspan/chat: a reference has a uri.")
    if where is None:
        return Reference(uri, None)
    return Reference(uri, parse_range(where))


def _list(value: Any, name: str) -> list[Any]:
    found = getattr(value, name, None)
    if found is None:
        return []
    if not isinstance(found, list):
        raise JsonRpcInvalidParams(f"midspan/chat: {name} is a list.")
    return found
