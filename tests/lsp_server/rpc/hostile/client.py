"""A client on the daemon's own socket that sends hostile messages and checks the answers."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from lsp_server.relay import handshake
from lsp_server.rpc.frames import FrameReader, frame
from tests.lsp_server.client import WAIT_S
from tests.lsp_server.daemons import Place
from tests.lsp_server.rpc.hostile.message import RESULT, Hostile, Number, request

OPTIONS = {"completion": {"max_tokens": 10}, "chat": {"model": "/models/chat", "max_tokens": 10}}
INITIALIZE = {
    "processId": None,
    "rootUri": "file:///hostile",
    "capabilities": {"window": {"workDoneProgress": True}},
    "initializationOptions": OPTIONS,
}


class HostileClient:
    """`answers` holds the codes that came, by id; `owed` holds the allowed codes of each answer that is due, by id."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._reading = asyncio.ensure_future(self._read(reader))
        self._news = asyncio.Event()
        self.answers: defaultdict[Number, list[int]] = defaultdict(list)
        self.owed: defaultdict[Number, list[frozenset[int]]] = defaultdict(list)
        self.sent = 0
        self._checks = 0

    async def send(self, messages: Iterable[Hostile]) -> None:
        for message in messages:
            self._writer.write(frame(message.body))
            self.sent += 1
            if message.codes:
                self.owed[message.number].append(message.codes)
        await self._writer.drain()

    async def settle(self) -> None:
        """Wait until every answer that is due has come, and fail if another one has."""
        self._checks += 1
        await self.send([request("midspan/unknown", None, f"settled-{self._checks}", -32601, -32002, -32600)])
        try:
            await asyncio.wait_for(self._settled(), WAIT_S)
        except TimeoutError as error:
            raise AssertionError(f"too few or too many answers: {self._unsettled()}") from error
        for number, codes in self.owed.items():
            allowed = frozenset().union(*codes)
            wrong = [code for code in self.answers[number] if code not in allowed]
            assert not wrong, f"{number!r} was answered by {wrong}, not by {sorted(allowed)}"
        unasked = self.answers.keys() - self.owed.keys()
        assert not unasked, f"answers to no request: {unasked}"
        expected = Counter(next(iter(codes)) for codes in self.owed[None])
        assert Counter(self.answers[None]) == expected
        self.answers.clear()
        self.owed.clear()

    async def _settled(self) -> None:
        while self._unsettled():
            self._news.clear()
            await self._news.wait()

    def _unsettled(self) -> dict[Number, list[int]]:
        answers = {number: self.answers[number] for number in self.owed}
        return {number: codes for number, codes in answers.items() if len(codes) != len(self.owed[number])}

    async def _read(self, reader: asyncio.StreamReader) -> None:
        frames = FrameReader()
        while data := await reader.read(1 << 16):
            for body in frames.feed(data):
                self._take(json.loads(body))
            self._news.set()

    def _take(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            self.answers[message["id"]].append(message["error"]["code"] if "error" in message else RESULT)

    def close(self) -> None:
        self._reading.cancel()
        self._writer.close()


async def connect(here: Place, *, initialize: bool = True) -> HostileClient:
    reader, writer = await asyncio.open_unix_connection(str(here.socket))
    writer.write(handshake.request_line("serve"))
    await reader.readline()
    client = HostileClient(reader, writer)
    if initialize:
        await client.send([request("initialize", INITIALIZE, "first", RESULT)])
        await client.settle()
    return client
