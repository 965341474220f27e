"""The rules of JSON-RPC and of LSP's life cycle, where pygls leaves them open."""

import asyncio
import inspect
import json
import logging
from collections.abc import Callable
from concurrent.futures import Future
from reprlib import repr  # of what a client has sent, only so much as a message bears
from types import SimpleNamespace
from typing import Any, NoReturn, get_type_hints

from cattrs import Converter
from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInternalError,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
    JsonRpcParseError,
    JsonRpcRequestCancelled,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.json_rpc import JsonRPCNotification, JsonRPCRequestMessage, JsonRPCResponseMessage

from midspan import MidspanError

_log = logging.getLogger(__name__)

_REQUEST_FAILED = -32803  # LSP: well-formed, but it cannot be answered


class MidspanProtocol(LanguageServerProtocol):
    """pygls, with one response for every request, errors without tracebacks, and exit codes."""

    def __init__(self, server: Any, converter: Converter) -> None:
        super().__init__(server, converter)
        self.exit_code: int | None = None  # set by `exit`
        self.on_activity: Callable[[], None] = lambda: None  # after each message that comes, and each request's end
        # pygls clamps positions and creates documents that were never opened. sync.py does neither.
        for method in [m for m in self.fm.builtin_features if m.startswith(("textDocument/", "notebook"))]:
            del self.fm.builtin_features[method]
        # pygls ends the process from within the event loop, and always with 0.
        self.fm.add_builtin_feature(types.EXIT, self._exit)
        # pygls walks over its requests while the end of each takes it out.
        self.fm.add_builtin_feature(types.SHUTDOWN, self._shut_down)
        # pygls calls a command without its arguments, and lets one that is cancelled run on.
        self.fm.add_builtin_feature(types.WORKSPACE_EXECUTE_COMMAND, self._execute_command)

    def handle_body(self, body: bytes) -> None:
        """One message as it came. Never raises."""
        try:
            data = _parse(body)
        except (ValueError, RecursionError):
            self._refuse(None, JsonRpcParseError("The message is not JSON."))
            return
        if not isinstance(data, dict):
            self._refuse(None, JsonRpcInvalidRequest("The message is not an object; batches are no part of LSP."))
        elif data.get("jsonrpc") != "2.0":
            self._refuse(_id_of(data), JsonRpcInvalidRequest('The message does not say "jsonrpc": "2.0".'))
        elif "method" in data:
            self._take_call(data)
        elif "id" in data and ("result" in data or "error" in data):
            self._take_answer(data)
        else:
            self._refuse(_id_of(data), JsonRpcInvalidRequest("The message has neither a method nor a result."))

    def _take_call(self, data: dict[str, Any]) -> None:
        """A request, or a notification, which is never answered."""
        number = _id_of(data)
        is_request = "id" in data
        if (is_request and number is None) or not isinstance(data["method"], str):
            self._refuse(number, JsonRpcInvalidRequest("An id is a string or a whole number, a method is a string."))
            return
        try:
            self._check_life(data["method"])
            self._check_kind(data["method"], number)
            message = self._structure(data, number)
        except JsonRpcException as error:
            if is_request:
                self._refuse(number, error)
            else:
                _log.debug("%s is ignored: %s", repr(data["method"]), error)
            return
        self.handle_message(message)
        self.on_activity()

    @property
    def running_requests(self) -> int:
        """How many requests of the client are being answered."""
        # pygls keeps what the client is asked in the same place, by other futures.
        return sum(isinstance(future, asyncio.Task) and not future.done() for future in self._request_futures.values())

    def _check_life(self, method: str) -> None:
        """Raises when the life cycle does not allow this method now."""
        if method == types.EXIT:
            return
        if self._shutdown:
            raise JsonRpcInvalidRequest("The server has been shut down; only exit may follow.")
        initialized = self._workspace is not None
        if method == types.INITIALIZE and initialized:
            raise JsonRpcInvalidRequest("initialize was sent twice.")
        if method != types.INITIALIZE and not initialized:
            raise JsonRpcServerNotInitialized("Send initialize first.")

    def _check_kind(self, method: str, number: int | str | None) -> None:
        """Raises when the method is not known, or is not for a message with this id."""
        known = types.METHOD_TO_TYPES.get(method)
        if method not in self.fm.features and method not in self.fm.builtin_features and method != types.CANCEL_REQUEST:
            raise JsonRpcMethodNotFound(f"There is no method {repr(method)}.")
        if known is not None and (known[1] is None) != (number is None):
            kind = "notification, which has no id" if known[1] is None else "request, which has an id"
            raise JsonRpcInvalidRequest(f"{method} is a {kind}.")
        if number is not None and number in self._request_futures:
            raise JsonRpcInvalidRequest(f"The id {repr(number)} is that of a request that still runs.")

    def _structure(self, data: dict[str, Any], number: int | str | None) -> Any:
        """The message as an object. Raises JsonRpcInvalidParams."""
        method, params = data["method"], data.get("params")
        try:
            if (known := self.get_message_type(method)) is not None:
                call = {name: data[name] for name in ("jsonrpc", "id", "method", "params") if name in data}
                # Not by pygls's own method, which logs what it cannot read, and with it the user's code.
                return self._converter.structure(call, known)
            if number is not None:
                return JsonRPCRequestMessage(number, method, self.VERSION, _as_object(params))
            return JsonRPCNotification(method, self.VERSION, _as_object(params))
        except Exception as error:  # whatever a converter of cattrs raises for the wrong type
            raise JsonRpcInvalidParams(f"The parameters of {method} are wrong.") from error

    def _take_answer(self, data: dict[str, Any]) -> None:
        """To a request of the server's own; what answers nothing is dropped."""
        number = data["id"]
        if not isinstance(number, str) or number not in self._result_types:
            return
        result_type = self._result_types.pop(number) or JsonRPCResponseMessage
        is_error = "error" in data
        answer = {name: data[name] for name in ("jsonrpc", "id", "error" if is_error else "result")}
        try:
            message = self._converter.structure(answer, types.ResponseErrorMessage if is_error else result_type)
        except Exception:  # whatever a converter of cattrs raises for the wrong type; who waits for it shall not hang
            error = types.ResponseError(JsonRpcInvalidRequest.CODE, "The editor's answer is not what LSP says.")
            message = types.ResponseErrorMessage(id=number, error=error)
        if not self._shutdown:
            self.handle_message(message)

    # pygls's are methods with a cache, which would keep the sessions that have ended.
    def get_message_type(self, method: str) -> type[Any] | None:  # type: ignore[override]  # no cache
        """What a message of this method is read into; None for a method that LSP does not know."""
        return types.METHOD_TO_TYPES.get(method, (None,))[0]

    def get_result_type(self, method: str) -> type[Any] | None:  # type: ignore[override]  # no cache
        """What the answer to it is read into."""
        return types.METHOD_TO_TYPES.get(method, (None, None))[1]

    def _refuse(self, request_id: int | str | None, error: JsonRpcException) -> None:
        # As a plain object: pygls would leave out an id that is null.
        response = {"code": error.code, "message": error.message}
        self._send_data({"jsonrpc": self.VERSION, "id": request_id, "error": response})

    def cancel_requests(self) -> None:
        """Ends the requests that are being answered."""
        for future in list(self._request_futures.values()):
            future.cancel()

    def _exit(self, _params: Any) -> None:
        self.exit_code = 0 if self._shutdown else 1

    def _shut_down(self, params: Any) -> None:
        if (handler := self.fm.features.get(types.SHUTDOWN)) is not None:
            handler(params)
        self.cancel_requests()
        self._shutdown = True

    async def _execute_command(self, params: types.ExecuteCommandParams) -> Any:
        if (command := self.fm.commands.get(params.command)) is None:
            raise JsonRpcInvalidParams(f"There is no command {repr(params.command)}.")
        signature, hints = inspect.signature(command), get_type_hints(command)
        try:
            bound = signature.bind(*params.arguments or ())
            for name, value in bound.arguments.items():
                if signature.parameters[name].kind is not inspect.Parameter.VAR_POSITIONAL:
                    bound.arguments[name] = self._converter.structure(value, hints.get(name, Any))
        except Exception as error:  # TypeError, or whatever a converter of cattrs raises
            raise JsonRpcInvalidParams(f"The arguments of {params.command} are wrong.") from error
        result = command(*bound.args)
        return await result if inspect.isawaitable(result) else result

    def _execute_handler(
        self,
        msg_id: int | str,
        handler: Callable[..., Any],
        callback: Callable[["Future[Any]"], None],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        """pygls forgets only what it answers; here notifications are forgotten too."""

        def finish(future: "Future[Any]") -> None:
            if self._request_futures.get(msg_id) is future:
                del self._request_futures[msg_id]
            callback(future)

        super()._execute_handler(msg_id, handler, finish, args, kwargs)

    def _handle_cancel_notification(self, msg_id: int | str) -> None:
        if msg_id not in self._result_types and (future := self._request_futures.get(msg_id)) is not None:
            future.cancel()  # its callback answers

    def _handle_response(
        self, msg_id: int | str, result: Any | None = None, error: types.ResponseError | None = None
    ) -> None:
        future = self._request_futures.get(msg_id)
        if future is not None and future.done():  # cancelled: its answer is late
            del self._request_futures[msg_id]
        else:
            super()._handle_response(msg_id, result, error)

    def _send_handler_result(self, future: "Future[Any]", *, msg_id: Any) -> None:
        if future.cancelled():
            self._refuse(msg_id, JsonRpcRequestCancelled("The request was cancelled."))
        elif (error := future.exception()) is not None:
            self._refuse(msg_id, _clean(error))
        else:
            self._send_response(msg_id, result=future.result())
        self.on_activity()

    def _check_handler_result(self, future: "Future[Any]") -> None:
        if not future.cancelled() and (error := future.exception()) is not None:
            _clean(error)


def _parse(body: bytes) -> Any:
    """Raises ValueError or RecursionError for what is not JSON, or too deep to be read."""
    # Neovim sends a file that is not UTF-8 as it is. documents.py refuses it by name.
    return json.loads(body.decode("utf-8", "surrogateescape"), parse_constant=_refuse_constant)


def _as_object(value: Any) -> Any:
    """Parameters that LSP does not know, by attributes. pygls makes a class for each object, which takes long."""
    if isinstance(value, dict):
        return SimpleNamespace(**{name: _as_object(inner) for name, inner in value.items()})
    return [_as_object(inner) for inner in value] if isinstance(value, list) else value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")  # though Python's module writes and reads it


def _id_of(data: dict[str, Any]) -> int | str | None:
    """The id, if it is one of JSON-RPC's; True is none, though Python's 1 equals it."""
    number = data.get("id")
    return number if type(number) in (int, str) else None


def _clean(error: BaseException) -> JsonRpcException:
    """The error as the editor may see it: no traceback, no path of this machine. The log has the rest."""
    if isinstance(error, JsonRpcException):
        return error
    if isinstance(error, MidspanError):
        _log.warning("%s", error)
        return JsonRpcException(str(error), code=_REQUEST_FAILED)
    _log.error("A handler failed", exc_info=error)
    return JsonRpcInternalError("Midspan failed at this request; its log says why.")
