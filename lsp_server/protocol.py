"""The rules of JSON-RPC and of LSP's life cycle, where pygls leaves them open."""

import asyncio
import json
import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from cattrs import Converter
from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInternalError,
    JsonRpcInvalidRequest,
    JsonRpcParseError,
    JsonRpcRequestCancelled,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import LanguageServerProtocol

from midspan import MidspanError

_log = logging.getLogger(__name__)

_REQUEST_FAILED = -32803  # LSP: well-formed, but it cannot be answered


class MidspanProtocol(LanguageServerProtocol):
    """pygls, with a response for every request, errors without tracebacks, and exit codes."""

    def __init__(self, server: Any, converter: Converter) -> None:
        super().__init__(server, converter)
        self.exit_code: int | None = None  # set by `exit`
        self.on_activity: Callable[[], None] = lambda: None  # after each message that comes, and each request's end
        # pygls clamps positions and creates documents that were never opened. sync.py does neither.
        for method in [m for m in self.fm.builtin_features if m.startswith(("textDocument/", "notebook"))]:
            del self.fm.builtin_features[method]
        # pygls ends the process from within the event loop, and always with 0.
        self.fm.add_builtin_feature(types.EXIT, self._exit)

    def handle_body(self, body: bytes) -> None:
        """One message as it came. Never raises."""
        try:
            # Neovim sends a file that is not UTF-8 as it is. documents.py refuses it by name.
            data = json.loads(body.decode("utf-8", "surrogateescape"))
        except ValueError:
            self._refuse(None, JsonRpcParseError("The message is not JSON."))
            return
        if not isinstance(data, dict) or data.get("jsonrpc") != "2.0":
            self._refuse(None, JsonRpcInvalidRequest("The message is not a JSON-RPC 2.0 object."))
            return
        request_id = data.get("id") if "method" in data else None
        method = str(data.get("method"))
        if method not in types.METHOD_TO_TYPES:
            data.setdefault("params", None)  # the structure of such messages demands it
        try:
            message = self.structure_message(data)
        except JsonRpcException as error:
            if request_id is not None:
                self._refuse(request_id, type(error)(f"The parameters of {method} are wrong."))
            return
        if refusal := self._refusal(method):
            if request_id is not None:
                self._refuse(request_id, refusal)
            return
        self.handle_message(message)
        self.on_activity()

    @property
    def running_requests(self) -> int:
        """How many requests of the client are being answered."""
        # pygls keeps what the client is asked in the same place, by other futures.
        return sum(isinstance(future, asyncio.Task) and not future.done() for future in self._request_futures.values())

    def _refusal(self, method: str) -> JsonRpcException | None:
        """Why the life cycle does not allow this method now."""
        if method == types.EXIT:
            return None
        if self._shutdown:
            return JsonRpcInvalidRequest("The server has been shut down; only exit may follow.")
        initialized = self._workspace is not None
        if method == types.INITIALIZE:
            return JsonRpcInvalidRequest("initialize was sent twice.") if initialized else None
        return None if initialized else JsonRpcServerNotInitialized("Send initialize first.")

    def _refuse(self, request_id: Any, error: JsonRpcException) -> None:
        # As a plain object: pygls would leave out an id that is null.
        response = {"code": error.code, "message": error.message}
        self._send_data({"jsonrpc": self.VERSION, "id": request_id, "error": response})

    def cancel_requests(self) -> None:
        """Ends the requests that are being answered."""
        for future in list(self._request_futures.values()):
            future.cancel()

    def _exit(self, _params: Any) -> None:
        self.exit_code = 0 if self._shutdown else 1

    def _send_handler_result(self, future: "Future[Any]", *, msg_id: Any) -> None:
        self._request_futures.pop(msg_id, None)
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


def _clean(error: BaseException) -> JsonRpcException:
    """The error as the editor may see it: no traceback, no path of this machine. The log has the rest."""
    if isinstance(error, JsonRpcException):
        return error
    if isinstance(error, MidspanError):
        _log.warning("%s", error)
        return JsonRpcException(str(error), code=_REQUEST_FAILED)
    _log.error("A handler failed", exc_info=error)
    return JsonRpcInternalError("Midspan failed at this request; its log says why.")
