"""The dashboard: a web page that the daemon serves to the browsers of this user on this machine.

Other users, and web sites that are open in the same browser, can reach the port too. So each request must name this
machine as its host (a web site whose domain resolves to 127.0.0.1 names its domain) and have the token of the URL that
the command line prints.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import h11

_log = logging.getLogger(__name__)

_HOST = "127.0.0.1"
_REQUEST_TIMEOUT_S = 10.0
_MAX_REQUEST_BYTES = 16 * 1024
_CHUNK_BYTES = 1 << 14
_MAX_IDLE = 32  # connections that have not said what they want; a browser opens six

# Reads the state for a page that has the traces up to an id of a daemon's process; both are 0 for a new page.
ReadState = Callable[[int, int], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes
    kind: str = "text/plain; charset=utf-8"


class Dashboard:
    """The page's server on the event loop. It listens from the first `url` until `close`."""

    def __init__(self, read_state: ReadState) -> None:
        self._read_state = read_state
        self._token = secrets.token_urlsafe(32)
        self._page = Path(__file__).with_name("dashboard.html").read_bytes()
        self._headers = _headers(self._page)
        self._server: asyncio.Server | None = None
        self._starting = asyncio.Lock()
        self._port = 0
        self._idle: dict[asyncio.StreamWriter, None] = {}  # the longest idle connection first

    async def url(self) -> str:
        """Return the page's URL with the token, and listen if need be. Raises OSError when no port is free."""
        async with self._starting:
            if self._server is None:
                self._server = await asyncio.start_server(self._accept, _HOST, 0)
                self._port = self._server.sockets[0].getsockname()[1]
                _log.info("The dashboard is at port %d of %s", self._port, _HOST)
        return f"http://{_HOST}:{self._port}/?token={self._token}"

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _accept(self, reader: asyncio.StreamReader, stream: asyncio.StreamWriter) -> None:
        """Answer one request. A page that polls once a second needs no persistent connection."""
        if len(self._idle) >= _MAX_IDLE:  # other users may open connections, but not to shut out this one
            oldest = next(iter(self._idle))
            del self._idle[oldest]
            oldest.transport.abort()
        self._idle[stream] = None
        try:
            async with asyncio.timeout(_REQUEST_TIMEOUT_S):
                await self._serve(reader, stream)
        except (OSError, TimeoutError):
            return  # the browser has closed the connection, or sends nothing
        finally:
            self._idle.pop(stream, None)
            stream.close()

    async def _serve(self, reader: asyncio.StreamReader, stream: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_REQUEST_BYTES)
        try:
            request = await _read_request(connection, reader)
            self._idle.pop(stream, None)
            if request is None:
                return
            answer = await self._answer(request)
        except h11.RemoteProtocolError as error:
            answer = _Answer(error.error_status_hint, b"This is not HTTP.\n")
        if connection.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        headers = {**self._headers, "Content-Type": answer.kind, "Content-Length": str(len(answer.body))}
        response = h11.Response(status_code=answer.status, headers=list(headers.items()))
        for event in (response, h11.Data(answer.body), h11.EndOfMessage()):
            stream.write(connection.send(event) or b"")
        await stream.drain()

    async def _answer(self, request: h11.Request) -> _Answer:
        hosts = [value for name, value in request.headers if name == b"host"]
        if hosts not in ([f"{name}:{self._port}".encode()] for name in (_HOST, "localhost")):
            return _Answer(403, b"This host is not served.\n")
        target = urlsplit(request.target.decode("ascii", "replace"))
        query = parse_qs(target.query)
        token = query.get("token", [""])[0]
        if target.netloc or not hmac.compare_digest(token.encode(), self._token.encode()):
            return _Answer(403, b"The token is missing or old. Run: midspan dashboard\n")
        if request.method != b"GET":
            return _Answer(405, b"")  # an answer to HEAD has no body
        if target.path == "/":
            return _Answer(200, self._page, "text/html; charset=utf-8")
        if target.path == "/state":
            state = await self._read_state(_number(query, "after"), _number(query, "pid"))
            return _Answer(200, json.dumps(state).encode(), "application/json")
        return _Answer(404, b"There is no such page.\n")


async def _read_request(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    """Return None when the other end closes before a request. Raises h11.RemoteProtocolError."""
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            return event
        if event is not h11.NEED_DATA:
            return None
        connection.receive_data(await reader.read(_CHUNK_BYTES))


def _number(query: dict[str, list[str]], name: str) -> int:
    text = query.get(name, ["0"])[0]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _headers(page: bytes) -> dict[str, str]:
    """Return headers that let the page use its own script and style and this server, and nothing else."""
    script, style = (_hash(page, name) for name in ("script", "style"))
    rules = (
        f"default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": rules,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
        "Allow": "GET",
        "Connection": "close",
    }


def _hash(page: bytes, name: str) -> str:
    """Return the source expression of the page's `<script>` or `<style>` for a content security policy."""
    found = re.search(rf"<{name}>(.*?)</{name}>".encode(), page, re.DOTALL)
    digest = hashlib.sha256(found[1] if found else b"").digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
