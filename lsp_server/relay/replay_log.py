"""What was said between an editor and a daemon, as far as a new daemon must hear it again after the old one has died.

A document is kept as it was said: didOpen and every didChange since, in the editor's own words, so no text is ever
computed here. When the changes grow long the daemon is asked for the text that they have led to (`midspan/document`),
which takes their place.
"""

import json
from typing import Any

from lsp_server.relay.handshake import LOG, STOPPED

# Less is not worth asking about.
_MANY_BYTES = 256 * 1024
_REQUEST_FAILED = -32803
_WARNING = 2  # LSP's MessageType
_WORKSPACE = ("workspace/didChangeWorkspaceFolders", "workspace/didChangeConfiguration", "$/setTrace")
# What a user would see as an error though it is none: ghost text just does not come.
_ANSWERED_BY_NULL = ("textDocument/inlineCompletion", "shutdown")

Message = dict[str, Any]


class _Document:
    """`opened` is didOpen, `changes` each didChange since."""

    def __init__(self, opened: bytes) -> None:
        self.opened = opened
        self.changes: list[bytes] = []
        self.changes_bytes = 0
        self.ask_at_bytes = max(_MANY_BYTES, 2 * len(opened))
        self.asked = False

    def add(self, change: bytes, *, is_whole: bool) -> None:
        if is_whole and not self.asked:  # what was before it is gone
            self.changes.clear()
            self.changes_bytes = 0
        self.changes.append(change)
        self.changes_bytes += len(change)

    def replace(self, opened: bytes, count: int) -> None:
        """`opened` says what the first `count` changes have led to."""
        del self.changes[:count]
        self.changes_bytes = sum(map(len, self.changes))
        self.opened = opened
        self.ask_at_bytes = max(_MANY_BYTES, 2 * len(opened))


class ReplayLog:
    """Is told every message, and says what else is to be sent. It does no input or output."""

    def __init__(self) -> None:
        self.shut_down = False  # the editor has sent `shutdown`
        self.exited = False
        self.stopped = False  # the daemon was told to stop: it is not missed until the editor speaks again
        self.log_lines: list[str] = []  # what the daemon has logged about this session, to be taken from here
        self._initialize: Message | None = None
        self._initialized: bytes | None = None
        self._workspace: list[bytes] = []
        self._documents: dict[str, _Document] = {}
        self._unanswered: dict[int | str, str] = {}  # the method of each request of the editor's
        self._progress: dict[str, Any] = {}  # the tokens that the daemon has begun and not ended
        # The relay's own requests: the document that one asks for and how many changes it had; None for initialize.
        self._own: dict[str, tuple[_Document, int] | None] = {}
        self._own_count = 0

    def from_editor(self, body: bytes) -> list[bytes]:
        """What to send to the daemon: the message, and perhaps a request of the relay's own."""
        message = _parsed(body)
        method, number = message.get("method"), message.get("id")
        if not isinstance(method, str):
            return [body]
        if isinstance(number, int | str):
            self._unanswered[number] = method
        params = message.get("params")
        document = params.get("textDocument") if isinstance(params, dict) else None
        uri = document.get("uri") if isinstance(document, dict) else None
        if isinstance(uri, str) and isinstance(params, dict) and method.startswith("textDocument/did"):
            question = self._note_document(method, uri, params, body)
            return [body, question] if question else [body]
        self._note_life(method, message, body)
        return [body]

    def _note_life(self, method: str, message: Message, body: bytes) -> None:
        if method == "initialize" and self._initialize is None:
            self._initialize = message
        elif method == "initialized":
            self._initialized = body
        elif method in _WORKSPACE:
            self._workspace.append(body)
        elif method == "shutdown":
            self.shut_down = True
        elif method == "exit":
            self.exited = True

    def _note_document(self, method: str, uri: str, params: Message, body: bytes) -> bytes | None:
        if method == "textDocument/didOpen":
            self._documents[uri] = _Document(body)
        elif method == "textDocument/didClose":
            self._documents.pop(uri, None)
        elif method == "textDocument/didChange" and uri in self._documents:
            document = self._documents[uri] = self._documents.pop(uri)  # the last one is the last one used
            document.add(body, is_whole=_is_whole(params.get("contentChanges")))
            if document.changes_bytes > document.ask_at_bytes and not document.asked:
                document.asked = True
                own = self._own_id((document, len(document.changes)))
                return _body({"id": own, "method": "midspan/document", "params": {"textDocument": {"uri": uri}}})
        return None

    @property
    def owes_answer(self) -> bool:
        """Whether the daemon has a request that it has not answered."""
        return bool(self._unanswered or self._own)

    def ask_if_it_hears(self) -> bytes:
        """A request whose answer tells nothing but that there is one: there is no such method."""
        return _body({"id": self._own_id(None), "method": "$/midspan/hears"})

    def _own_id(self, about: tuple[_Document, int] | None) -> str:
        self._own_count += 1
        number = f"midspan-relay-{self._own_count}"
        self._own[number] = about
        return number

    def from_daemon(self, body: bytes) -> bool:
        """Whether the message is for the editor."""
        message = _parsed(body)
        method, number = message.get("method"), message.get("id")
        if method == STOPPED:
            self.stopped = True
            return False
        if method == LOG:
            self.log_lines.append(str(message["params"]["line"]))
            return False
        if method == "$/progress":
            self._note_progress(message.get("params"))
        if method is not None:
            return True
        if isinstance(number, str) and number in self._own:
            if about := self._own.pop(number):
                self._shorten(*about, message.get("result"))
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

    def _shorten(self, document: _Document, count: int, item: Any) -> None:
        """`item` is the TextDocumentItem after the first `count` changes; None when the daemon follows it no longer."""
        document.asked = False
        if isinstance(item, dict):
            document.replace(_body({"method": "textDocument/didOpen", "params": {"textDocument": item}}), count)
        else:
            document.ask_at_bytes = 2 * document.changes_bytes

    def warning(self, message: str) -> bytes:
        """What shows it to the user."""
        return _body({"method": "window/showMessage", "params": {"type": _WARNING, "message": message}})

    def lost(self) -> list[bytes]:
        """What the editor is told when the daemon has gone: an answer to each request, an end of each progress."""
        said = []
        for number, method in list(self._unanswered.items()):
            if method == "initialize" and not self.shut_down:
                continue  # the next daemon answers it
            del self._unanswered[number]
            if method in _ANSWERED_BY_NULL:
                said.append(_body({"id": number, "result": None}))
            else:
                error = {"code": _REQUEST_FAILED, "message": "Midspan's daemon has gone. It is started again; retry."}
                said.append(_body({"id": number, "error": error}))
        for token in self._progress.values():
            value = {"kind": "end", "message": "interrupted"}
            said.append(_body({"method": "$/progress", "params": {"token": token, "value": value}}))
        self._progress.clear()
        self._own.clear()
        for document in self._documents.values():
            document.asked = False
        return said

    def replay(self) -> list[bytes]:
        """What brings a new daemon to where the old one was."""
        self.stopped = False
        if self._initialize is None:
            return []
        initialize = self._initialize
        if initialize.get("id") not in self._unanswered:
            initialize = {**initialize, "id": self._own_id(None)}
        said = [_body(initialize)]
        if self._initialized is not None:
            said.append(self._initialized)
        said += self._workspace
        for document in self._documents.values():
            said += [document.opened, *document.changes]
        return said

    def __len__(self) -> int:
        return len(self._documents)


def is_farewell(body: bytes) -> bool:
    """Whether the editor only says that it ends."""
    return _parsed(body).get("method") in ("shutdown", "exit")


def _parsed(body: bytes) -> Message:
    """The message; {} for what is none, which the daemon is to judge."""
    try:
        message = json.loads(body.decode("utf-8", "surrogateescape"))  # as the server reads it
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def _body(message: Message) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode()


def _is_whole(changes: Any) -> bool:
    """Whether the first of the changes is the whole text, so that nothing before it matters."""
    return bool(isinstance(changes, list) and changes and isinstance(changes[0], dict) and "range" not in changes[0])
