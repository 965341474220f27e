"""A small server on this machine that answers as a test says, and records the requests."""

import json
import select
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WAIT_S = 30  # long enough for a busy machine; only a hang takes it


@dataclass(frozen=True)
class Answer:
    """An answer to a POST: the body `raw`, else a stream of `pieces`."""

    pieces: Sequence[str] = ()
    finish: str | None = "stop"
    usage: Mapping[str, Any] | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    cut: bool = False  # the connection breaks after the pieces
    stall_before: int | None = None  # waits at this piece until `release` is set or the client has gone


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    text: str


class ApiServer:
    """Answers POSTs by `answers` in turn, the last one again and again, and GETs with `models`."""

    def __init__(self, *answers: Answer, certificate: ssl.SSLContext | None = None) -> None:
        self.answers = list(answers)
        self.models: Answer | list[dict[str, Any]] = [{"id": "coder"}]
        self.received: list[Received] = []
        self.stalled = threading.Event()
        self.release = threading.Event()
        self.client_gone = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        if certificate:
            self._http.socket = certificate.wrap_socket(self._http.socket, server_side=True)
        self.host = f"127.0.0.1:{self._http.server_port}"
        self.url = f"http{'s' if certificate else ''}://{self.host}/v1"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def posts(self) -> list[Received]:
        return [received for received in self.received if received.method == "POST"]

    def close(self) -> None:
        self.release.set()
        self._http.shutdown()
        self._http.server_close()

    def next_answer(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def _handler(server: ApiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.note({}, "")
            if isinstance(server.models, Answer):
                self.answer(server.models, chat=False)
            else:
                self.answer(Answer(raw=json.dumps({"object": "list", "data": server.models}).encode()), chat=False)

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.note(json.loads(text), text)
            self.answer(server.next_answer(), chat="chat" in self.path)

        def note(self, body: dict[str, Any], text: str) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.received.append(Received(self.command, self.path, headers, body, text))

        def answer(self, answer: Answer, *, chat: bool) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.raw is not None:
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer.raw)))
                self.end_headers()
                self.wfile.write(answer.raw)
                return
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for number, piece in enumerate([*answer.pieces, None]):
                if number == answer.stall_before and not self.stall():
                    return
                if piece is not None:
                    self.event(choice(piece, None, chat=chat))
            if answer.cut:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.event(choice("", answer.finish, chat=chat))
            if answer.usage is not None:
                self.event({"choices": [], "usage": answer.usage})
            self.chunk(b"data: [DONE]\n\n")
            self.chunk(b"")

        def stall(self) -> bool:
            server.stalled.set()
            while not server.release.wait(0.01):
                readable, _, _ = select.select([self.connection], [], [], 0)
                if readable and not self.connection.recv(1, socket.MSG_PEEK):
                    server.client_gone.set()
                    self.close_connection = True
                    return False
            return True

        def event(self, data: dict[str, Any]) -> None:
            self.chunk(f"data: {json.dumps(data)}\n\n".encode())

        def chunk(self, data: bytes) -> None:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:  # the client closed the connection, as a test wants it to
                server.client_gone.set()

        def log_message(self, *_arguments: object) -> None:
            """Log nothing: the requests are in `received`."""

    return Handler


def choice(text: str, finish: str | None, *, chat: bool) -> dict[str, Any]:
    content = {"delta": {"content": text}} if chat else {"text": text}
    return {"choices": [{"index": 0, "finish_reason": finish} | content]}
