"""The server's own requests to the client, until they are answered."""

import uuid
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from cattrs import Converter
from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidRequest

from lsp_server.rpc.incoming import Answer, MessageId

# The types of each method of LSP: of the call, of its response and of its parameters.
LSP_TYPES: Mapping[str, tuple[Any, ...]] = types.METHOD_TO_TYPES


class ClientRequests:
    """The requests that the client has not answered. A cancelled request stays until its late answer comes."""

    def __init__(self, converter: Converter) -> None:
        self._converter = converter
        self._waiting: dict[MessageId, tuple[str, Future[Any]]] = {}  # the method and the result of each, by its id

    def add(self, method: str, number: MessageId | None) -> "tuple[MessageId, Future[Any]]":
        """Return an id for a request, a new one if `number` is None, and the future of its result."""
        number = number or str(uuid.uuid4())
        future: Future[Any] = Future()
        self._waiting[number] = method, future
        return number, future

    def end(self, answer: Answer) -> None:
        """End the request that is answered, with its result or a JsonRpcException. Other answers are dropped."""
        if answer.id not in self._waiting:
            return
        method, future = self._waiting.pop(answer.id)
        if future.cancelled():
            return
        try:
            if "error" in answer.members:
                error = self._converter.structure(answer.members["error"], types.ResponseError)
                future.set_exception(JsonRpcException.from_error(error))
            else:
                future.set_result(self._converter.structure(answer.members, LSP_TYPES[method][1]).result)
        except Exception:  # cattrs raises many kinds; the request ends all the same
            future.set_exception(JsonRpcInvalidRequest("The editor's answer is not what LSP says."))

    def cancel_all(self) -> None:
        """Cancel every request."""
        for _, future in self._waiting.values():
            future.cancel()
