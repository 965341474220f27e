"""A small editor that talks to a server in the same process or over stdio."""

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from lsp_server.daemon.build_server import build_server
from lsp_server.rpc.frames import FrameReader
from lsp_server.server.engines import Engines, StartEngine
from lsp_server.server.pauses import Pauses
from lsp_server.server.shared_workspaces import SharedWorkspaces
from lsp_server.telemetry.journal import Journal
from tests.fake_engine import FakeEngine

INVOKED, AUTOMATIC = 1, 2
URI = "file:///project/a.py"
WAIT_S = 30  # long enough for a busy machine; only a hang waits this long

T = TypeVar("T")


class ResponseError(Exception):
    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code: int = error["code"]
        self.error = error


class Editor:
    """An editor that sends messages with `send`, and receives those of the server with `receive`."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._versions = itertools.count(2)
        self.notifications: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._last_items: list[dict[str, Any]] = []

    async def send(self, message: dict[str, Any]) -> None:
        raise NotImplementedError

    def receive(self, body: bytes) -> None:
        message = json.loads(body)
        if "method" in message:
            self.notifications.put_nowait(message)
            return
        waiting = self._waiting.pop(message["id"], None)
        if waiting is None or waiting.done():
            self.notifications.put_nowait(message)
        elif "error" in message:
            waiting.set_exception(ResponseError(message["error"]))
        else:
            waiting.set_result(message["result"])

    async def start_request(self, method: str, params: Any) -> "tuple[int, asyncio.Future[Any]]":
        number = next(self._ids)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return number, future

    async def request(self, method: str, params: Any = None) -> Any:
        _, future = await self.start_request(method, params)
        return await asyncio.wait_for(future, WAIT_S)

    async def notify(self, method: str, params: Any = None) -> None:
        await self.send({"jsonrpc": "2.0", "method": method, "params": params})

    async def initialize(
        self,
        encodings: Sequence[str] = ("utf-16",),
        options: Any = None,
        root: str = "file:///project",
        capabilities: dict[str, Any] | None = None,
        client: dict[str, str] | None = None,
        vouches: bool = True,
    ) -> dict[str, Any]:
        """Begin as an editor of ours, which vouches for its settings, or as another one."""
        experimental = {**(capabilities or {}).get("experimental", {})}
        experimental["midspan"] = {"userSettings": vouches, **experimental.get("midspan", {})}
        params = {
            "processId": None,
            "rootUri": root,
            "workspaceFolders": [{"uri": root, "name": "project"}],
            "capabilities": {
                "general": {"positionEncodings": list(encodings)},
                **(capabilities or {}),
                "experimental": experimental,
            },
            "initializationOptions": options,
            **({"clientInfo": client} if client is not None else {}),
        }
        result: dict[str, Any] = await self.request("initialize", params)
        await self.notify("initialized", {})
        return result

    async def open(self, text: str, uri: str = URI, language: str = "python") -> None:
        item = {"uri": uri, "languageId": language, "version": 1, "text": text}
        await self.notify("textDocument/didOpen", {"textDocument": item})

    async def change(self, start: tuple[int, int], end: tuple[int, int], text: str, uri: str = URI) -> None:
        change = {"range": {"start": position(*start), "end": position(*end)}, "text": text}
        await self.change_by([change], uri)

    async def change_by(self, changes: list[dict[str, Any]], uri: str = URI) -> None:
        identifier = {"uri": uri, "version": next(self._versions)}
        await self.notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": changes})

    def completion_params(self, line: int, character: int, kind: int = AUTOMATIC, uri: str = URI) -> dict[str, Any]:
        return {
            "textDocument": {"uri": uri},
            "position": position(line, character),
            "context": {"triggerKind": kind},
        }

    async def start_completion(
        self, line: int, character: int, kind: int = AUTOMATIC, uri: str = URI
    ) -> "tuple[int, asyncio.Future[Any]]":
        params = self.completion_params(line, character, kind, uri)
        return await self.start_request("textDocument/inlineCompletion", params)

    async def complete(self, line: int, character: int, kind: int = AUTOMATIC, uri: str = URI) -> str | None:
        """Return the text of the item, or None."""
        _, future = await self.start_completion(line, character, kind, uri)
        result = await asyncio.wait_for(future, WAIT_S)
        self._last_items = result["items"] if result else []
        return text_of(result)

    async def accept(self, line: int, character: int, text: str, uri: str = URI) -> None:
        """Insert the text of the last completed item, and report that it was accepted."""
        await self.change((line, character), (line, character), text, uri)
        command = self._last_items[0]["command"]
        await self.request("workspace/executeCommand", {name: command[name] for name in ("command", "arguments")})

    async def message(self) -> dict[str, Any]:
        """Return the next message of the server that answers no request."""
        return await asyncio.wait_for(self.notifications.get(), WAIT_S)

    def messages_so_far(self) -> list[dict[str, Any]]:
        """Return the messages that have come since the last call."""
        return [self.notifications.get_nowait() for _ in range(self.notifications.qsize())]

    async def status_with(self, condition: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """Return the server's first status that makes the condition true."""
        async with asyncio.timeout(2 * WAIT_S):
            while not condition(status := await self.request("midspan/status")):
                await asyncio.sleep(0.005)
        return dict(status)


class InProcess(Editor):
    """An editor on a server in this process, without a stream between them."""

    def __init__(
        self,
        engine: FakeEngine | StartEngine | Engines,
        workspaces: SharedWorkspaces | None = None,
        *,
        look_ahead: bool = False,
        journal: Journal | None = None,
        pauses: Pauses | None = None,
    ) -> None:
        """Without `look_ahead` the engine gets no requests but those of the test."""
        super().__init__()
        self._frames = FrameReader()

        if isinstance(engine, FakeEngine):
            engines = Engines(lambda _settings: engine)
        else:
            engines = engine if isinstance(engine, Engines) else Engines(engine)
        self.server = build_server(
            {"completion.look_ahead": look_ahead}, engines, workspaces or SharedWorkspaces(), Path("/"), journal, pauses
        )
        self.server.protocol.set_writer(self)

    async def send(self, message: dict[str, Any]) -> None:
        self.server.protocol.handle_body(json.dumps(message).encode())
        await asyncio.sleep(0)

    def write(self, data: bytes) -> None:
        for body in self._frames.feed(data):
            self.receive(body)

    def close(self) -> None:
        """Do nothing: as the server's writer, the editor has nothing to close."""


class Stdio(Editor):
    """An editor on a server in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        super().__init__()
        self.process = process
        self.reader = asyncio.ensure_future(self._read())

    async def send(self, message: dict[str, Any]) -> None:
        await self.send_body(json.dumps(message).encode())

    async def send_body(self, body: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        await self.process.stdin.drain()

    def close_stdin(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()

    async def exit_code(self) -> int:
        return await asyncio.wait_for(self.process.wait(), WAIT_S)

    async def _read(self) -> None:
        assert self.process.stdout
        frames = FrameReader()
        while data := await self.process.stdout.read(1 << 16):
            for body in frames.feed(data):
                self.receive(body)


@asynccontextmanager
async def stdio_server(*command: str | Path) -> AsyncIterator[Stdio]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *map(str, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    editor = Stdio(process)
    try:
        yield editor
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        editor.reader.cancel()


async def until(condition: Callable[[], T | None], what: str = "the condition stays false") -> T:
    """Return the first true value of the condition, which other threads or processes make true."""
    end = time.monotonic() + 2 * WAIT_S
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(what)
        await asyncio.sleep(0.005)
    return value


def position(line: int, character: int) -> dict[str, int]:
    return {"line": line, "character": character}


def text_of(result: Any) -> str | None:
    items = result["items"] if result else []
    return items[0]["insertText"] if items else None
