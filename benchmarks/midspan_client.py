"""An editor with Midspan: `midspan serve` in a process of its own, which starts a daemon, over the Language Server
Protocol.
"""

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.recorded.recording import Recording, Typed
from benchmarks.recorded.waits import Answerer, Wait
from lsp_server.rpc.frames import FrameReader, frame
from midspan import ModelError

_INVOKED, _AUTOMATIC = 1, 2
_MOST_TRACES = 300
# An answer that was being computed ahead when the key came counts as the engine's.
_KNOWN_MS = 50.0
_NOT_ASKED = ("switched_off", "mid_line", "statement_over", "in_secret")
_TYPED_OVER = ("superseded", "cancelled")


@dataclass
class _Asked:
    """A request for the completion at one key."""

    id: int
    at_s: float
    item: str = ""
    accepted: Any = None  # the command of the item
    answered_s: float | None = None


class MidspanClient:
    """Sends each change and asks at each key at once, after cancelling the request before, as VS Code does."""

    def __init__(self, workspace: Path, model: Path | None, form: str | None) -> None:
        self._workspace = workspace
        self._arguments = [*(["--model", str(model)] if model else []), *(["--quant", form] if form else [])]
        self._ids = 0
        self._version = 1
        self._uri = ""
        self._asked: list[_Asked] = []
        self._requests: dict[int, asyncio.Future[Any]] = {}
        self._traces: list[dict[str, Any]] = []

    async def first(self, recording: Recording, typed: Typed) -> float:
        """Start Midspan, ask at the first key, and return the milliseconds from the start to the first answer."""
        began_s = perf_counter()
        command = [sys.executable, "-m", "lsp_server.cli", "serve", *self._arguments]
        self._process: Process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
        self._reading = asyncio.ensure_future(self._read())
        root = self._workspace.as_uri()
        folders = [{"uri": root, "name": self._workspace.name}]
        params: dict[str, Any] = {"processId": None, "rootUri": root, "workspaceFolders": folders, "capabilities": {}}
        await self._request("initialize", params)
        self._notify("initialized", {})
        await self.enter(recording)
        await self._request("textDocument/inlineCompletion", self._place(typed))
        return 1000 * (perf_counter() - began_s)

    async def enter(self, recording: Recording) -> None:
        """Open the file, beside those that are open."""
        self._uri, self._asked, self._version = (self._workspace / recording.name).as_uri(), [], 1
        item = {"uri": self._uri, "languageId": recording.language, "version": 1, "text": recording.text}
        self._notify("textDocument/didOpen", {"textDocument": item})

    def press(self, typed: Typed) -> None:
        """Send the change and ask."""
        last = self._asked[-1] if self._asked else None
        if last is not None and last.answered_s is None:
            self._notify("$/cancelRequest", {"id": last.id})
        at_s = perf_counter()
        if (change := typed.change) is not None:
            edit = {"range": _range(change.before, change.start, change.end), "text": change.text}
            self._version += 1
            document = {"uri": self._uri, "version": self._version}
            self._notify("textDocument/didChange", {"textDocument": document, "contentChanges": [edit]})
        if typed.key.action == "accept" and last is not None and last.item == typed.key.text and last.accepted:
            command = {"command": last.accepted["command"], "arguments": last.accepted["arguments"]}
            self._send("workspace/executeCommand", command)
        asked = _Asked(self._send("textDocument/inlineCompletion", self._place(typed)), at_s)
        self._asked.append(asked)

    async def leave(self) -> list[Wait]:
        """Return the waits; the traces tell the source of each answer. Raises ModelError for a request that failed."""
        last = self._asked[-1]
        if last.answered_s is None:
            self._notify("$/cancelRequest", {"id": last.id})
        # The record of a cancelled request is there when the next request is answered.
        await self._request("midspan/document", {"textDocument": {"uri": self._uri}})
        answer = await self._request("midspan/trace", {"limit": _MOST_TRACES})
        name = self._uri.rpartition("/")[2]
        found = [trace for trace in answer["traces"] if trace["path"].endswith(name) and trace["kind"] == "completion"]
        traces = sorted(found, key=lambda trace: float(trace["at"]))[-len(self._asked) :]
        if len(traces) < len(self._asked):
            raise ModelError(f"{len(self._asked)} keys were pressed and {len(traces)} are in the traces")
        if failed := [trace for trace in traces if trace["outcome"] == "failed"]:
            raise ModelError(f"a request failed: {failed[0]['detail']}")
        self._traces += traces
        return [_wait(asked, trace) for asked, trace in zip(self._asked, traces, strict=True)]

    @property
    def shown_share(self) -> float | None:
        """The share of the tokens that the model wrote that was shown, as in `midspan stats`."""
        text, shown = (sum(trace["tokens"].get(name, 0) for trace in self._traces) for name in ("text", "shown"))
        return round(shown / text, 3) if text else None

    async def close(self) -> None:
        """End the connection; the daemon runs on."""
        await self._request("shutdown", None)
        self._notify("exit", None)
        await self._process.wait()
        self._reading.cancel()

    def _place(self, typed: Typed) -> dict[str, Any]:
        position = _position(typed.text, typed.cursor)
        context = {"triggerKind": _AUTOMATIC}
        return {"textDocument": {"uri": self._uri}, "position": position, "context": context}

    async def _request(self, method: str, params: Any) -> Any:
        future = asyncio.get_running_loop().create_future()
        self._requests[self._send(method, params)] = future
        return await future

    def _notify(self, method: str, params: Any) -> None:
        self._write({"method": method, "params": params})

    def _send(self, method: str, params: Any) -> int:
        self._ids += 1
        self._write({"id": self._ids, "method": method, "params": params})
        return self._ids

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(frame(json.dumps({"jsonrpc": "2.0", **message}).encode()))

    async def _read(self) -> None:
        assert self._process.stdout
        frames = FrameReader()
        while data := await self._process.stdout.read(1 << 16):
            for body in frames.feed(data):
                self._take(json.loads(body))
        for future in self._requests.values():
            future.set_exception(ModelError("midspan serve has ended"))

    def _take(self, message: dict[str, Any]) -> None:
        if "method" in message:
            return  # a notification; without capabilities the server asks nothing
        if (future := self._requests.pop(message["id"], None)) is not None:
            if "error" in message:
                future.set_exception(ModelError(message["error"]["message"]))
            else:
                future.set_result(message["result"])
            return
        asked = next((asked for asked in self._asked if asked.id == message["id"]), None)
        if asked is not None and asked is self._asked[-1]:
            asked.answered_s = perf_counter()
            if items := (message.get("result") or {}).get("items"):
                asked.item, asked.accepted = items[0]["insertText"], items[0].get("command")


def _wait(asked: _Asked, trace: dict[str, Any]) -> Wait:
    if asked.answered_s is None or trace["outcome"] in _TYPED_OVER:
        return Wait(0.0, "typed_over")
    ms = 1000 * (asked.answered_s - asked.at_s)
    if trace["outcome"] in _NOT_ASKED:
        return Wait(ms, "not_asked")
    is_known = trace["source"] == "prediction" or (trace["source"] == "look_ahead" and ms < _KNOWN_MS)
    answered_by: Answerer = "prediction" if is_known else "engine"
    return Wait(ms, answered_by, trace["tokens"].get("prefilled"))


def _position(text: str, offset: int) -> dict[str, int]:
    """Return the LSP's position; the files are ASCII, so characters are UTF-16 units."""
    return {"line": text.count("\n", 0, offset), "character": offset - text.rfind("\n", 0, offset) - 1}


def _range(text: str, start: int, end: int) -> dict[str, Any]:
    return {"start": _position(text, start), "end": _position(text, end)}
