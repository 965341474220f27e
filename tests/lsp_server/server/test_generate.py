"""The pieces of an output on their way from the engine's thread to the event loop."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, cast

import pytest

from inference.api import Engine, OnUpdate, Request, Update
from inference.prompts.prompt import TokenPrompt
from lsp_server.server.generate import generate

PATIENCE_S = 30
REQUEST = Request(TokenPrompt((1,)), 300)


class Writer:
    """An engine that hands out what `write` does, on a thread of its own."""

    def __init__(self, write: Callable[[OnUpdate], None]) -> None:
        self._write = write

    def submit(self, request: Request, on_update: OnUpdate) -> "Writer":
        threading.Thread(target=self._write, args=(on_update,), daemon=True).start()
        return self

    def cancel(self) -> None:
        """All is written."""


def run(write: Callable[[OnUpdate], None], on_text: Callable[[str], None] = lambda text: None) -> tuple[str, ...]:
    async def ask() -> tuple[str, ...]:
        asked = generate(cast(Engine, Writer(write)), REQUEST, on_text)
        return (await asyncio.wait_for(asked, PATIENCE_S)).pieces

    return asyncio.run(ask())


def test_pieces_that_come_fast_wake_the_event_loop_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    wakes = []
    wake = asyncio.BaseEventLoop.call_soon_threadsafe

    def note(loop: asyncio.BaseEventLoop, *arguments: Any, **named: Any) -> asyncio.Handle:
        wakes.append(arguments)
        return wake(loop, *arguments, **named)

    monkeypatch.setattr(asyncio.BaseEventLoop, "call_soon_threadsafe", note)
    pieces = tuple(map(str, range(300)))

    def write(on_update: OnUpdate) -> None:
        for piece in pieces:
            on_update(Update(piece))
        on_update(Update("", "eos"))

    assert run(write) == pieces
    assert len(wakes) < 100


def test_no_piece_waits_for_the_next_one() -> None:
    """The engine pauses behind pieces that came fast, and behind one that came late."""
    seen: list[str] = []
    some_are_seen = threading.Event()

    def write(on_update: OnUpdate) -> None:
        for pieces in ("abc", "d", "ef"):
            some_are_seen.clear()
            for piece in pieces:
                on_update(Update(piece))
            if not some_are_seen.wait(PATIENCE_S):
                on_update(Update("late", "eos"))
        on_update(Update("", "eos"))

    def note(piece: str) -> None:
        seen.append(piece)
        if piece in "cdf":
            some_are_seen.set()

    assert run(write, note) == tuple("abcdef") == tuple(seen)
