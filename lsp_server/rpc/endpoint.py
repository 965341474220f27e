"""The endpoint of one connection: the rules of JSON-RPC and of LSP's life cycle, where pygls leaves them open."""

import asyncio
import inspect
import json
import logging
from collections.abc import Callable, Generator
from concurrent.futures import Future
from reprlib import repr  # of what a client has sent, only so much as a message bears
from typing import Any

from cattrs import Converter
from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInternalError,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
    JsonRpcRequestCancelled,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import LanguageServerProtocol

from lsp_server.rpc.frames import frame
from lsp_server.rpc.incoming import Answer, Call, MessageId, Refusal, read_message
from lsp_server.rpc.outgoing import LSP_TYPES, ClientRequests
from lsp_server.rpc.params import params_type, read_arguments, read_params
from midspan import MidspanError
from midspan.visible_text import visible_text

_log = logging.getLogger(__name__)

_REQUEST_FAILED = -32803  # LSP: well-formed, but it cannot be answered
# The methods that pygls's own handlers serve. Its handlers of documents are left out: they clamp positions and create
# documents that were never opened, and sync.py does neither.
LEFT_TO_PYGLS = (
    types.INITIALIZE,
    types.INITIALIZED,
    types.SET_TRACE,
    types.WINDOW_WORK_DONE_PROGRESS_CANCEL,
    types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS,
)


class MidspanProtocol(LanguageServerProtocol):
    """pygls's protocol, with one response for every request, errors without tracebacks, and exit codes.

    pygls keeps the handlers and the capabilities, and types the requests to the client. Every message, both ways,
    passes through here, so that no private name of pygls is needed (tests/lsp_server/rpc/test_pygls.py).
    """

    def __init__(self, server: Any, converter: Converter) -> None:
        self.exit_code: int | None = None  # set by `exit`
        self.on_skipped: Callable[[], None] = lambda: None  # called when a message was too long to be read
        # The requests of our own that a client may want to know of before it offers them, told at `initialize`.
        self.announced: dict[str, bool] = {}
        self.on_activity: Callable[[], None] = lambda: None  # called after each call that comes and each response
        self._strict = converter
        self._is_shut_down = False
        self._tasks: dict[object, asyncio.Task[Any]] = {}  # a request's by its id, a notification's by an object()
        self._asked = ClientRequests(converter)
        super().__init__(server, converter)  # last, because it reads every property
        for method in [method for method in self.fm.builtin_features if method not in LEFT_TO_PYGLS]:
            del self.fm.builtin_features[method]
        self._begin = self.fm.builtin_features[types.INITIALIZE]
        self.fm.add_builtin_feature(types.INITIALIZE, self._initialize)
        # pygls ends the process from within the event loop, and always with the exit code 0.
        self.fm.add_builtin_feature(types.EXIT, self._exit)
        self.fm.add_builtin_feature(types.SHUTDOWN, self._shut_down)
        self.fm.add_builtin_feature(types.CANCEL_REQUEST, self._cancel)
        # pygls does not know optional arguments of a command, and lets a cancelled command run on.
        self.fm.add_builtin_feature(types.WORKSPACE_EXECUTE_COMMAND, self._execute_command)

    def handle_body(self, body: bytes) -> None:
        """Handle the body of one message. A body that is no message is answered with an error; nothing is raised."""
        if not body:  # frames.py cuts off a longer body than it reads
            self.on_skipped()
        match read_message(body):
            case Call() as call:
                self._take_call(call)
            case Answer() as answer:
                self._asked.end(answer)
            case Refusal() as refusal:
                self._write(_error(refusal.id, refusal.error))

    @property
    def running_requests(self) -> int:
        """The number of the client's requests that still run."""
        return sum(not task.done() for task in self._tasks.values())

    def cancel_requests(self) -> None:
        """Cancel every request, those of the client and those to the client."""
        for task in self._tasks.values():
            task.cancel()
        self._asked.cancel_all()

    def notify(self, method: str, params: Any | None = None) -> None:
        """Send the client a notification."""
        self._write({"method": method, **self._members(params)})

    def send_request(
        self,
        method: str,
        params: Any | None = None,
        callback: Callable[[Any], None] | None = None,
        msg_id: MessageId | None = None,
    ) -> "Future[Any]":
        """Send the client a request. The future holds its result, or a JsonRpcException."""
        number, future = self._asked.add(method, msg_id)
        if callback is not None:
            future.add_done_callback(lambda done: callback(done.result()))
        self._write({"id": number, "method": method, **self._members(params)})
        return future

    def _take_call(self, call: Call) -> None:
        try:
            self._check_life(call.method)
            self._check_kind(call)
            handler = self.fm.builtin_features.get(call.method) or self.fm.features[call.method]
            params = self._read_params(call, handler)
        except JsonRpcException as error:
            if call.id is not None:
                self._write(_error(call.id, error))
            else:
                _log.debug("%s is ignored: %s", repr(call.method), error)
            return
        self._start(call.id, handler, params)
        self.on_activity()

    def _check_life(self, method: str) -> None:
        """Raise an error if the life cycle does not allow this method now."""
        if method == types.EXIT:
            return
        if self._is_shut_down:
            raise JsonRpcInvalidRequest("The server has been shut down; only exit may follow.")
        if method == types.INITIALIZE and self._is_initialized:
            raise JsonRpcInvalidRequest("initialize was sent twice.")
        if method != types.INITIALIZE and not self._is_initialized:
            raise JsonRpcServerNotInitialized("Send initialize first.")

    @property
    def _is_initialized(self) -> bool:
        try:
            return self.workspace is not None
        except RuntimeError:  # pygls makes the workspace at `initialize`
            return False

    def _check_kind(self, call: Call) -> None:
        """Raise an error if the method is unknown, or is a notification with an id or a request without a new one."""
        known = LSP_TYPES.get(call.method)
        if call.method not in self.fm.features and call.method not in self.fm.builtin_features:
            raise JsonRpcMethodNotFound(f"There is no method {repr(call.method)}.")
        if known is not None and (known[1] is None) != (call.id is None):
            kind = "notification, which has no id" if known[1] is None else "request, which has an id"
            raise JsonRpcInvalidRequest(f"{call.method} is a {kind}.")
        if call.id in self._tasks:
            raise JsonRpcInvalidRequest(f"The id {repr(call.id)} is that of a request that still runs.")

    def _read_params(self, call: Call, handler: Callable[..., Any]) -> Any:
        """Read the parameters into the type that LSP or the handler declares. Raises JsonRpcInvalidParams."""
        known = LSP_TYPES.get(call.method)
        if known is None:
            return read_params(call.params, params_type(handler), call.method)
        try:
            return self._strict.structure(call.params, known[2]) if known[2] is not None else None
        except Exception as error:  # cattrs raises many kinds
            raise JsonRpcInvalidParams(f"{call.method}: the parameters are not what LSP says.") from error

    def _start(self, number: MessageId | None, handler: Callable[..., Any], params: Any) -> None:
        if not inspect.iscoroutinefunction(handler):
            self._finish(number, lambda: _run(handler, params))
            return
        key = object() if number is None else number
        task = self._tasks[key] = asyncio.ensure_future(handler(params))

        def finish(task: "asyncio.Task[Any]") -> None:
            del self._tasks[key]
            self._finish(number, task.result)

        task.add_done_callback(finish)

    def _finish(self, number: MessageId | None, outcome: Callable[[], Any]) -> None:
        """Answer a request with its outcome; log the error of a notification."""
        try:
            answer = {"id": number, "result": self._strict.unstructure(outcome())}
        except asyncio.CancelledError:
            answer = _error(number, JsonRpcRequestCancelled("The request was cancelled."))
        except Exception as error:
            answer = _error(number, _clean(error))
        if number is not None:
            self._write(answer)
            self.on_activity()

    def _members(self, params: Any) -> dict[str, Any]:
        return {} if params is None else {"params": self._strict.unstructure(params)}

    def _write(self, message: dict[str, Any]) -> None:
        if self.writer is not None:
            self.writer.write(frame(json.dumps({"jsonrpc": self.VERSION, **message}).encode()))

    def _initialize(self, params: types.InitializeParams) -> Generator[Any, Any, types.InitializeResult]:
        result: types.InitializeResult = yield from self._begin(params)
        result.capabilities.experimental = {"midspan": self.announced}
        return result

    def _exit(self, _params: Any) -> None:
        self.exit_code = 0 if self._is_shut_down else 1

    def _shut_down(self, params: Any) -> None:
        if (handler := self.fm.features.get(types.SHUTDOWN)) is not None:
            handler(params)
        self.cancel_requests()
        self._is_shut_down = True

    def _cancel(self, params: types.CancelParams) -> None:
        if (task := self._tasks.get(params.id)) is not None:
            task.cancel()  # _finish answers the request

    async def _execute_command(self, params: types.ExecuteCommandParams) -> Any:
        if (command := self.fm.commands.get(params.command)) is None:
            raise JsonRpcInvalidParams(f"There is no command {repr(params.command)}.")
        result = command(*read_arguments(list(params.arguments or ()), command, params.command))
        return await result if inspect.isawaitable(result) else result


def _error(number: MessageId | None, error: JsonRpcException) -> dict[str, Any]:
    return {"id": number, "error": {"code": error.code, "message": visible_text(error.message)}}


def _run(handler: Callable[..., Any], params: Any) -> Any:
    """Call a handler. A handler of pygls is a generator, which yields each call of our handler and takes its result."""
    result = handler(params)
    return _drive(result) if inspect.isgenerator(result) else result


def _drive(steps: Generator[Any, Any, Any]) -> Any:
    value = None
    while True:
        try:
            handler, arguments, _ = steps.send(value)
        except StopIteration as end:
            return end.value
        value = handler(*arguments)


def _clean(error: BaseException) -> JsonRpcException:
    """Return the error as the editor may see it, without a traceback or a path of this machine, and log the rest."""
    if isinstance(error, JsonRpcException):
        return error
    if isinstance(error, MidspanError):
        _log.warning("%s", error)
        return JsonRpcException(str(error), code=_REQUEST_FAILED)
    _log.error("A handler failed", exc_info=error)
    return JsonRpcInternalError("Midspan failed at this request; its log says why.")
