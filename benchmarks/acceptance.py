"""The wait for the next item after an acceptance, with and without looking ahead.

At the assignments of a real file all text after the "=" is removed, and an item is requested, read for `--reading-ms`
and accepted. A session that looks ahead and one that does not, each with an engine of its own, take turns. `answer_ms`
is from the request after the acceptance to its answer, `next_item_ms` where the answer is an item.
"""

import argparse
import asyncio
import json
import logging
import statistics
from argparse import Namespace
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.keystroke import DEFAULT_FILE
from inference.api import Engine, Trace
from lsp_server.daemon.build_server import build_server
from lsp_server.rpc.frames import FrameReader
from lsp_server.server.engines import Engines
from lsp_server.server.prompt_budget import PromptBudget
from lsp_server.server.shared_workspaces import SharedWorkspaces
from lsp_server.server.start_engine import start_engine
from midspan import ModelError

URI = "file:///project/typed.py"
_AUTOMATIC = 2


@dataclass(frozen=True)
class Accepted:
    """An acceptance; `next_item` is the item after it, if there was one."""

    next_item: str | None
    waited_ms: float


class FixedBudget(PromptBudget):
    """A budget that never changes, so that both sessions ask the same however busy the machine is."""

    def start_from(self, tokens_a_second: float | None) -> None:
        pass

    def learn(self, trace: Trace) -> None:
        pass


class Editor:
    """A client of a server in this process."""

    def __init__(self, model: Path | None, *, look_ahead: bool) -> None:
        flags = {"completion.look_ahead": look_ahead} | ({"completion.model": str(model)} if model else {})
        self._server = build_server(flags, Engines(start_engine), SharedWorkspaces(), Path.cwd())
        self._server.protocol.set_writer(self)
        budget = FixedBudget()
        self._server.session.budget = lambda settings: budget  # type: ignore[method-assign]  # the same for both
        self._frames = FrameReader()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._count = 0

    async def begin(self) -> None:
        await self._request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        self._notify("initialized", {})
        await asyncio.wait_for(asyncio.wrap_future(self._engine().ready), None)

    def end(self) -> None:
        self._server.session.close()
        self._engine().close()

    def _engine(self) -> Engine:
        session = self._server.session
        return session.engine(session.settings.completion)

    async def accept_at(self, text: str, reading_ms: float) -> Accepted | None:
        """Accept the item at the end of the text; None when no item comes there."""
        document = {"uri": URI, "languageId": "python", "version": 1, "text": text}
        self._notify("textDocument/didOpen", {"textDocument": document})
        item = await self._complete(text)
        if item is None:
            return None
        await asyncio.sleep(reading_ms / 1000)
        where = _end_of(text)
        change = {"range": {"start": where, "end": where}, "text": item}
        self._notify("textDocument/didChange", {"textDocument": {"uri": URI, "version": 2}, "contentChanges": [change]})
        began_s = perf_counter()
        next_item = await self._complete(text + item)
        return Accepted(next_item, 1000 * (perf_counter() - began_s))

    async def _complete(self, text: str) -> str | None:
        params = {"textDocument": {"uri": URI}, "position": _end_of(text), "context": {"triggerKind": _AUTOMATIC}}
        answer = await self._request("textDocument/inlineCompletion", params)
        return answer["items"][0]["insertText"] if answer and answer["items"] else None

    async def _request(self, method: str, params: object) -> Any:
        self._count += 1
        future = self._waiting[self._count] = asyncio.get_running_loop().create_future()
        self._send({"id": self._count, "method": method, "params": params})
        return await future

    def _notify(self, method: str, params: object) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, object]) -> None:
        self._server.protocol.handle_body(json.dumps(message | {"jsonrpc": "2.0"}).encode())

    def write(self, data: bytes) -> None:
        """Take a message of the server, as its writer does."""
        for body in self._frames.feed(data):
            message = json.loads(body)
            if (future := self._waiting.pop(message.get("id"), None)) is None:
                continue
            if "error" in message:
                future.set_exception(ModelError(message["error"]["message"]))
            else:
                future.set_result(message["result"])

    def close(self) -> None:
        """Do nothing: there is nothing to close."""


def _end_of(text: str) -> dict[str, int]:
    return {"line": text.count("\n"), "character": len(text.rpartition("\n")[2])}


def places(text: str, first_line: int) -> Iterator[str]:
    """The text up to the value of each assignment."""
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines[first_line - 1 :], first_line - 1):
        target, equals, _ = line.partition(" = ")
        if equals and target.strip().replace(".", "_").isidentifier():
            yield "".join(lines[:number]) + target + equals


async def measure(arguments: Namespace) -> dict[str, object]:
    editors = {look_ahead: Editor(arguments.model, look_ahead=look_ahead) for look_ahead in (True, False)}
    for editor in editors.values():
        await editor.begin()
    pairs: list[tuple[Accepted, Accepted]] = []
    for text in places(arguments.file.read_text(encoding="utf-8"), arguments.first_line):
        found = {ahead: await editor.accept_at(text, arguments.reading_ms) for ahead, editor in editors.items()}
        if (ahead := found[True]) is not None and (without := found[False]) is not None:
            pairs.append((ahead, without))
        if len(pairs) == arguments.acceptances:
            break
    for editor in editors.values():
        editor.end()
    with_items = [(ahead, without) for ahead, without in pairs if ahead.next_item and without.next_item]
    return {
        "acceptances": len(pairs),
        "same_answer": sum(ahead.next_item == without.next_item for ahead, without in pairs),
        "answer_ms": _median_ms(ahead for ahead, _ in pairs),
        "answer_ms_without": _median_ms(without for _, without in pairs),
        "next_items": len(with_items),
        "next_item_ms": _median_ms(ahead for ahead, _ in with_items),
        "next_item_ms_without": _median_ms(without for _, without in with_items),
    }


def _median_ms(accepted: Iterable[Accepted]) -> float | None:
    waited_ms = [each.waited_ms for each in accepted]
    return round(statistics.median(waited_ms), 1) if waited_ms else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="a model folder (default: the built-in model)")
    parser.add_argument(
        "--file", type=Path, default=DEFAULT_FILE, help="the file with the assignments (default: argparse.py)"
    )
    parser.add_argument("--first-line", type=int, default=200, help="lines count from 1")
    parser.add_argument("--acceptances", type=int, default=30)
    parser.add_argument("--reading-ms", type=float, default=1000, help="the time to read an item")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    print(json.dumps(asyncio.run(measure(arguments)), indent=None if arguments.json else 2))


if __name__ == "__main__":
    main()
