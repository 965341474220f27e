"""A small server with the hub's protocol that can break off in the middle of a file."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
BLOCK_BYTES = 1 << 14


@dataclass
class Hub:
    """A hub. `repositories`: OWNER/NAME -> file name -> bytes, which a test may change at any time."""

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    served_instead: dict[str, bytes] = field(
        default_factory=dict
    )  # file name -> the bytes that are sent in place of its own
    hang_after_bytes: int | None = None  # of any file; the connection then stays open and silent
    hangs: threading.Event = field(default_factory=threading.Event)
    requests: list[str] = field(default_factory=list)  # "METHOD path range"
    sent_bytes: dict[str, int] = field(default_factory=dict)
    endpoint: str = ""

    def add_folder(self, repository: str, folder: Path) -> None:
        self.repositories[repository] = {path.name: path.read_bytes() for path in folder.iterdir()}


@contextmanager
def serving(hub: Hub) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:  # http.server's names
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""

    def _answer(self, *, with_body: bool) -> None:
        self.hub.requests.append(f"{self.command} {self.path} {self.headers.get('Range', '')}".strip())
        parts = self.path.partition("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            self._describe("/".join(parts[2:4]), parts[5] if len(parts) > 5 else "main")
        elif len(parts) >= 5 and parts[2] == "resolve":
            self._send_file("/".join(parts[:2]), "/".join(parts[4:]), with_body=with_body)
        else:
            self._refuse("EntryNotFound")

    def _describe(self, repository: str, revision: str) -> None:
        files = self.hub.repositories.get(repository)
        if files is None:
            return self._refuse("RepoNotFound")
        if revision not in ("main", "v1", COMMIT):
            return self._refuse("RevisionNotFound")
        siblings = [_sibling(name, data) for name, data in files.items()]
        body = json.dumps({"id": repository, "sha": COMMIT, "siblings": siblings}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def _send_file(self, repository: str, name: str, *, with_body: bool) -> None:
        files = self.hub.repositories.get(repository, {})
        if name not in files:
            return self._refuse("EntryNotFound")
        data = self.hub.served_instead.get(name, files[name])
        start = int(self.headers["Range"].removeprefix("bytes=").split("-")[0]) if "Range" in self.headers else 0
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{_etag(name, files[name])}"')
        self.send_header("Accept-Ranges", "bytes")
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if with_body:
            self._send_slowly(name, data, start)
        return None

    def _send_slowly(self, name: str, data: bytes, start: int) -> None:
        for offset in range(start, len(data), BLOCK_BYTES):
            if self.hub.hang_after_bytes is not None and offset >= self.hub.hang_after_bytes:
                self.wfile.flush()
                self.hub.hangs.set()
                with suppress(ConnectionError):
                    self.rfile.read(1)  # until the client has gone
                return
            block = data[offset : offset + BLOCK_BYTES]
            self.wfile.write(block)
            self.hub.sent_bytes[name] = self.hub.sent_bytes.get(name, 0) + len(block)

    def _refuse(self, code: str) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _is_lfs(name: str) -> bool:
    return name.endswith((".safetensors", ".gguf"))


def _etag(name: str, data: bytes) -> str:
    if _is_lfs(name):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _sibling(name: str, data: bytes) -> dict[str, Any]:
    lfs = {"size": len(data), "sha256": _etag(name, data), "pointerSize": 134} if _is_lfs(name) else None
    blob = "f" * 40 if lfs else _etag(name, data)
    return {"rfilename": name, "size": len(data), "blobId": blob} | ({"lfs": lfs} if lfs else {})
