"""Hostile clients beside a well-behaved one. MIDSPAN_FUZZ_MESSAGES sets the number of their messages."""

import asyncio
import os
import random
from collections.abc import Callable
from contextlib import suppress
from itertools import islice

import psutil
import pytest

from lsp_server.relay import handshake
from lsp_server.relay.replay_log import ReplayLog
from lsp_server.rpc.frames import frame
from tests.lsp_server.client import URI, Stdio, until
from tests.lsp_server.daemons import Place
from tests.lsp_server.rpc.hostile import not_json, oversized, wrong_order, wrong_places, wrong_types
from tests.lsp_server.rpc.hostile.client import INITIALIZE, connect
from tests.lsp_server.rpc.hostile.message import (
    INVALID_REQUEST,
    NOT_INITIALIZED,
    RESULT,
    Dice,
    Hostile,
    Messages,
    Numbers,
    body,
    notification,
    request,
)

MESSAGES = int(os.environ.get("MIDSPAN_FUZZ_MESSAGES", "20000"))
SMALL = not_json, wrong_types, wrong_places, wrong_order
BATCH = 250
STRANGERS = 30
SPARE = 10
# Memory varies by this much through allocators and caches. A leak of a kilobyte a message is more.
SWAY_BYTES, SWAY_OF_LARGE_BYTES = 8_000_000, 60_000_000

Generator = Callable[[Dice, Numbers], Messages]


class Neighbour:
    """A user beside the hostile clients: every completion is right, and the text stays as typed."""

    def __init__(self, editor: Stdio) -> None:
        self._editor = editor
        self._text = "x = "
        self._count = 0

    async def begin(self) -> None:
        await self._editor.initialize()
        await self._editor.open(self._text)

    async def work(self) -> None:
        self._count += 1
        name = chr(ord("a") + self._count % 26)  # so many that none is predicted any more when it comes again
        await self._editor.change((0, 0), (0, 1), name)
        self._text = name + self._text[1:]
        assert await self._editor.complete(0, 4) == "hello()"
        found = await self._editor.request("midspan/document", {"textDocument": {"uri": URI}})
        assert found["text"] == self._text


async def attack(here: Place, generator: Generator, count: int, seed: int, neighbour: Neighbour) -> None:
    """Let one client send `count` messages of a kind and leave without `exit`."""
    dice = random.Random(seed)
    client = await connect(here)
    messages = islice(generator(dice, Numbers(dice)), count)
    while batch := list(islice(messages, BATCH)):
        await asyncio.gather(client.send(batch), neighbour.work())
        await client.settle()
    client.close()


def resources(daemon: psutil.Process) -> int:
    """Return the number of threads and descriptors. Thread pools that are not yet full add a few later."""
    return daemon.num_threads() + daemon.num_fds()


@pytest.mark.timeout(300 + MESSAGES // 20)
async def test_hostile_messages_are_answered_by_the_protocol_and_nobody_else_notices(here):
    async with here.relay() as editor:
        neighbour = Neighbour(editor)
        await neighbour.begin()
        daemon = psutil.Process(here.daemon_status()["pid"])
        of_each = MESSAGES // len(SMALL) // 2
        for number, kind in enumerate(SMALL):
            await attack(here, kind.messages, of_each, number, neighbour)
        before, bytes_before = resources(daemon), daemon.memory_info().rss
        for number, kind in enumerate(SMALL):
            await attack(here, kind.messages, of_each, 100 + number, neighbour)
        await until(lambda: here.daemon_status()["sessions"] == 1, "a session is left")
        assert daemon.memory_info().rss < bytes_before + SWAY_BYTES
        assert resources(daemon) < before + SPARE
        assert editor.notifications.empty()


@pytest.mark.timeout(300)
async def test_oversized_messages_do_not_stay_in_memory(here):
    async with here.relay() as editor:
        neighbour = Neighbour(editor)
        await neighbour.begin()
        daemon = psutil.Process(here.daemon_status()["pid"])
        await attack(here, oversized.messages, 15, 1, neighbour)
        bytes_before = daemon.memory_info().rss
        await attack(here, oversized.messages, 25, 2, neighbour)
        await until(lambda: here.daemon_status()["sessions"] == 1, "a session is left")
        assert daemon.memory_info().rss < bytes_before + SWAY_OF_LARGE_BYTES


@pytest.mark.timeout(300)
async def test_strangers_come_and_go_and_leave_nothing(here):
    """Strangers speak before `initialize` or after `shutdown`, break off, or do not read."""
    async with here.relay() as editor:
        neighbour = Neighbour(editor)
        await neighbour.begin()
        daemon = psutil.Process(here.daemon_status()["pid"])
        for stranger in (too_early, too_late, breaks_off, reads_nothing):
            await stranger(here, random.Random(0))
        await neighbour.work()
        await until(lambda: here.daemon_status()["sessions"] == 1, "a session is left")
        before, bytes_before = resources(daemon), daemon.memory_info().rss
        for seed in range(STRANGERS):
            dice: Dice = random.Random(seed)
            stranger = dice.choice([*(too_early, too_late, breaks_off) * 3, reads_nothing])
            await asyncio.gather(stranger(here, dice), neighbour.work())
        await until(lambda: here.daemon_status()["sessions"] == 1, "a session is left")
        assert daemon.memory_info().rss < bytes_before + SWAY_OF_LARGE_BYTES
        assert resources(daemon) < before + SPARE
        assert editor.notifications.empty()


async def too_early(here: Place, dice: Dice) -> None:
    client = await connect(here, initialize=False)
    numbers = Numbers(dice)
    for method in ("midspan/status", "shutdown", "unknown", "textDocument/inlineCompletion", "midspan/chat"):
        params = dice.choice([None, {}, [], 5])
        await client.send([notification(method, params), request(method, params, numbers.next(), NOT_INITIALIZED)])
    bad = [{}, None, {"capabilities": 5}, {"capabilities": {}, "processId": "x"}, INITIALIZE | {"rootUri": 5}]
    await client.send([request("initialize", dice.choice(bad), numbers.next(), -32602)])
    strange = {"rootUri": dice.choice(wrong_places.URIS), "initializationOptions": dice.choice(wrong_types.VALUES)}
    await client.send([request("initialize", INITIALIZE | strange, numbers.next(), RESULT)])
    await client.send([notification("initialized", {}), request("midspan/status", None, numbers.next(), RESULT)])
    await client.settle()
    client.close()


async def too_late(here: Place, dice: Dice) -> None:
    client = await connect(here)
    numbers = Numbers(dice)
    running = request("midspan/chat", wrong_types.REQUESTS["midspan/chat"], numbers.next(), RESULT, -32803, -32800)
    await client.send([running, request("shutdown", None, numbers.next(), RESULT)])
    methods = "midspan/status", "shutdown", "initialize", "unknown"
    await client.send([request(method, None, numbers.next(), INVALID_REQUEST) for method in methods])
    await client.settle()
    await client.send([notification("exit", None)])
    client.close()


async def breaks_off(here: Place, dice: Dice) -> None:
    """Break off in the middle of the first line, of a header or of a body."""
    whole = handshake.request_line("serve") + frame(body({"id": 1, "method": "initialize", "params": INITIALIZE})) * 2
    lines = (
        b"[" * 60_000 + b"\n",
        b'{"wants": {}}\n',
        b'{"wants": "serve"}\n',
        b'{"wants": "serve", "version": "1", "resumes": 1, "settings": [], "folder": "\\u0000"}\n',
    )
    stream = dice.choice([*lines, whole[: dice.randrange(len(whole))], whole[:-5] + dice.randbytes(20_000)])
    _, writer = await asyncio.open_unix_connection(str(here.socket))
    with suppress(OSError):  # it is cut off before all is sent
        writer.write(stream)
        await writer.drain()
    writer.close()


async def reads_nothing(here: Place, _dice: Dice) -> None:
    """Read nothing, and request more than the daemon keeps for one client."""
    item = {"uri": URI, "languageId": "python", "version": 1, "text": "x" * 3_500_000}
    asked = [request("midspan/document", {"textDocument": {"uri": URI}}, number) for number in range(30)]
    start = [Hostile(body({"id": 1, "method": "initialize", "params": INITIALIZE}))]
    opened = notification("textDocument/didOpen", {"textDocument": item})
    reader, writer = await asyncio.open_unix_connection(str(here.socket), limit=1)
    writer.write(
        handshake.request_line("serve") + b"".join(frame(message.body) for message in [*start, opened, *asked])
    )
    await reader.readexactly(1)
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport has it
    await until(lambda: is_cut_off(here), "it is still waited for")
    writer.close()


def is_cut_off(here: Place) -> bool:
    return bool(here.daemon_status()["sessions"] == 1)


@pytest.mark.parametrize("kind", SMALL, ids=lambda kind: kind.__name__.rpartition(".")[2])
def test_a_relay_carries_any_message_and_can_say_it_again(kind):
    dice = random.Random(7)
    log = ReplayLog()
    for message in islice(kind.messages(dice, Numbers(dice)), 1000):
        assert log.read_from_editor(message.body)[0] == message.body
        log.read_from_daemon(message.body)
    log.close_open_requests()
    log.replay()
