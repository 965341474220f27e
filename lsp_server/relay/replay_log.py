"""The replay log: the messages of one session that a new daemon must read after the old one has died.

The log keeps a document as the editor sent it, didOpen and every didChange since, so the relay never computes a text.
When the changes grow long the relay asks the daemon for the text that they result in (`midspan/document`), and a
didOpen with that text replaces them.
"""

import json
from typing import Any

from lsp_server.relay.handshake import LOG_METHOD, STOPPED_METHOD

_COMPACT_FROM_BYTES = 256 * 1024  # shorter changes are not worth a request
_REQUEST_FAILED = -32803
_WARNING = 2  # LSP's MessageType
_WORKSPACE = (
    "workspace/didChangeWorkspaceFolders",
    "workspace/didChangeConfiguration",
    "midspan/userSettings",
    "$/setTrace",
)
_GHOST_TEXT = "textDocument/inlineCompletion"
# An editor would show an error to the user where an empty answer does: no ghost text appears.
_ANSWERED_WITH_NULL = (_GHOST_TEXT, "shutdown")

Message = dict[str, Any]


class _Document:
    """An open document: `opened` is its didOpen, `changes` are the didChanges since."""

    def __init__(self, opened: bytes) -> None:
        self.opened = opened
        self.changes: list[bytes] = []
        self.changes_bytes = 0
        self.compact_at_bytes = max(_COMPACT_FROM_BYTES, 2 * len(opened))
        self.is_compacting = False  # the daemon has been asked for the text

    def add(self, change: bytes, *, is_whole: bool) -> None:
        if is_whole and not self.is_compacting:  # the change replaces the whole text
            self.changes.clear()
            self.changes_bytes = 0
        self.changes.append(change)
        self.changes_bytes += len(change)

    def replace(self, opened: bytes, count: int) -> None:
        """Put `opened`, a didOpen with the text that the first `count` changes result in, in their place."""
        del self.changes[:count]
        self.changes_bytes = sum(map(len, self.changes))
        self.opened = opened
        self.compact_at_bytes = max(_COMPACT_FROM_BYTES, 2 * len(opened))


class ReplayLog:
    """Reads every message of a session, and makes the messages of the relay's own. It does no input or output."""

    def __init__(self) -> None:
        self.is_shut_down = False  # the editor has sent `shutdown`
        self.has_exited = False  # the editor has sent `exit`
        self.is_stopped = False  # the user has stopped the daemon: the editor's next message starts another
        self.log_lines: list[str] = []  # lines of the session's log, which the caller takes away
        self._initialize: Message | None = None
        self._initialized: bytes | None = None
        self._workspace: list[bytes] = []
        self._documents: dict[str, _Document] = {}
        self._unanswered: dict[int | str, str] = {}  # the method of each request of the editor
        # The last request for a ghost text, until a key or a cancellation ends it or a second daemon reads it.
        self._ghost_text: tuple[int | str, bytes] | None = None
        self._progress: dict[str, Any] = {}  # the tokens of progress that the daemon has begun and not ended
        # The relay's own requests by their ids. For one that compacts: the document, and its number of changes then.
        self._own_requests: dict[str, tuple[_Document, int] | None] = {}
        self._own_request_count = 0

    def read_from_editor(self, body: bytes) -> list[bytes]:
        """Keep what a new daemon needs of the editor's message.

        Returns the bodies for the daemon: the message, and perhaps a request of the relay's own.
        """
        message = _parsed(body)
        method, number = message.get("method"), message.get("id")
        if not isinstance(method, str):
            return [body]
        if isinstance(number, int | str):
            self._unanswered[number] = method
            if method == _GHOST_TEXT:
                self._ghost_text = number, body
        params = message.get("params")
        document = params.get("textDocument") if isinstance(params, dict) else None
        uri = document.get("uri") if isinstance(document, dict) else None
        if isinstance(uri, str) and isinstance(params, dict) and method.startswith("textDocument/did"):
            request = self._note_document(method, uri, params, body)
            return [body, request] if request else [body]
        self._note_lifecycle(method, message, body)
        return [body]

    def _note_lifecycle(self, method: str, message: Message, body: bytes) -> None:
        if method == "initialize" and self._initialize is None:
            self._initialize = message
        elif method == "initialized":
            self._initialized = body
        elif method in _WORKSPACE or _is_switch(method, message.get("params")):
            self._workspace.append(body)
        elif method == "shutdown":
            self.is_shut_down = True
        elif method == "exit":
            self.has_exited = True
        elif method == "$/cancelRequest" and self._ghost_text and message.get("params") == {"id": self._ghost_text[0]}:
            self._ghost_text = None

    def _note_document(self, method: str, uri: str, params: Message, body: bytes) -> bytes | None:
        if method == "textDocument/didOpen":
            self._documents[uri] = _Document(body)
        elif method == "textDocument/didClose":
            self._documents.pop(uri, None)
        elif method == "textDocument/didChange" and uri in self._documents:
            self._ghost_text = None
            document = self._documents[uri] = self._documents.pop(uri)  # the document used last is replayed last
            document.add(body, is_whole=_is_whole(params.get("contentChanges")))
            if document.changes_bytes > document.compact_at_bytes and not document.is_compacting:
                document.is_compacting = True
                number = self._new_request_id((document, len(document.changes)))
                return _body({"id": number, "method": "midspan/document", "params": {"textDocument": {"uri": uri}}})
        return None

    @property
    def is_answer_owed(self) -> bool:
        """True while the daemon has a request that it has not answered."""
        return bool(self._unanswered or self._own_requests)

    def make_ping(self) -> bytes:
        """Return a request of a method that does not exist: a daemon that runs answers with an error."""
        return _body({"id": self._new_request_id(None), "method": "$/midspan/hears"})

    def _new_request_id(self, compacted: tuple[_Document, int] | None) -> str:
        self._own_request_count += 1
        number = f"midspan-relay-{self._own_request_count}"
        self._own_requests[number] = compacted
        return number

    def read_from_daemon(self, body: bytes) -> bool:
        """Take note of the daemon's message; return whether it is for the editor."""
        message = _parsed(body)
        method, number = message.get("method"), message.get("id")
        if method == STOPPED_METHOD:
            self.is_stopped = True
            return False
        if method == LOG_METHOD:
            self.log_lines.append(str(message["params"]["line"]))
            return False
        if method == "$/progress":
            self._note_progress(message.get("params"))
        if method is not None:
            return True
        if isinstance(number, str) and number in self._own_requests:
            if compacted := self._own_requests.pop(number):
                self._compact(*compacted, message.get("result"))
            return False
        if isinstance(number, int | str) and self._unanswered.pop(number, None) == "initialize" and "error" in message:
            self._initialize = None
        return True

    def _note_progress(self, params: Any) -> None:
        if not isinstance(params, dict) or not isinstance(params.get("value"), dict):
            return
        token = params.get("token")
        if params["value"].get("kind") == "begin":
            self._progress[repr(token)] = token
        elif params["value"].get("kind") == "end":
            self._progress.pop(repr(token), None)

    def _compact(self, document: _Document, count: int, item: Any) -> None:
        """Replace the first `count` changes by `item`, the TextDocumentItem after them.

        `item` is None when the daemon does not know the document any more.
        """
        document.is_compacting = False
        if isinstance(item, dict):
            document.replace(_body({"method": "textDocument/didOpen", "params": {"textDocument": item}}), count)
        else:
            document.compact_at_bytes = 2 * document.changes_bytes

    def close_open_requests(self) -> list[bytes]:
        """Return the bodies that end each open request and progress in the editor when the daemon has ended.

        A ghost text that the user waits for is asked of the next daemon, once: nobody asks again before the next key.
        """
        bodies = []
        if self.is_shut_down or self.is_stopped:
            self._ghost_text = None
        for number, method in list(self._unanswered.items()):
            if method == "initialize" and not self.is_shut_down:
                continue  # the next daemon answers it
            if self._ghost_text and number == self._ghost_text[0]:
                continue
            del self._unanswered[number]
            if method in _ANSWERED_WITH_NULL:
                bodies.append(_body({"id": number, "result": None}))
            else:
                error = {"code": _REQUEST_FAILED, "message": "Midspan's daemon has ended. A new one starts; try again."}
                bodies.append(_body({"id": number, "error": error}))
        for token in self._progress.values():
            value = {"kind": "end", "message": "interrupted"}
            bodies.append(_body({"method": "$/progress", "params": {"token": token, "value": value}}))
        self._progress.clear()
        self._own_requests.clear()
        for document in self._documents.values():
            document.is_compacting = False
        return bodies

    def replay(self) -> list[bytes]:
        """Return the bodies that bring a new daemon to the state of the old one."""
        self.is_stopped = False
        if self._initialize is None:
            return []
        initialize = self._initialize
        if initialize.get("id") not in self._unanswered:
            initialize = {**initialize, "id": self._new_request_id(None)}
        bodies = [_body(initialize)]
        if self._initialized is not None:
            bodies.append(self._initialized)
        bodies += map(self._again, self._workspace)
        for document in self._documents.values():
            bodies += [document.opened, *document.changes]
        if self._ghost_text and self._ghost_text[0] in self._unanswered:
            bodies.append(self._ghost_text[1])
        self._ghost_text = None
        return bodies

    def _again(self, body: bytes) -> bytes:
        """Return the body for another daemon, whose answer to a request is the relay's own."""
        message = _parsed(body)
        return _body({**message, "id": self._new_request_id(None)}) if "id" in message else body

    @property
    def document_count(self) -> int:
        return len(self._documents)


def warning(message: str) -> bytes:
    """Return the body of the notification with which an editor shows the message to the user."""
    return _body({"method": "window/showMessage", "params": {"type": _WARNING, "message": message}})


def is_shutdown_or_exit(body: bytes) -> bool:
    """Return whether the message only ends the session."""
    return _parsed(body).get("method") in ("shutdown", "exit")


def _parsed(body: bytes) -> Message:
    """Return the message; {} for a body that is not a message, which the daemon answers with an error."""
    try:
        message = json.loads(body.decode("utf-8", "surrogateescape"))  # as the server reads it
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def _body(message: Message) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode()


def _is_switch(method: str, params: Any) -> bool:
    """Return whether a request switches something on or off for the session."""
    command = params.get("command") if isinstance(params, dict) else None
    return method == "workspace/executeCommand" and command == "midspan.setCompletion"


def _is_whole(changes: Any) -> bool:
    """Return whether the first change is the whole text, so that no earlier change matters."""
    return bool(isinstance(changes, list) and changes and isinstance(changes[0], dict) and "range" not in changes[0])
