"""While the user types, the engine may move a suffix; when the user rests, it computes the suffix exactly."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from inference.api import ModelInfo, OnUpdate, Request, Update
from lsp_server.server.battery import Battery
from lsp_server.server.pauses import Pauses
from tests.fake_engine import FakeEngine, FakeGeneration, read_prompt
from tests.lsp_server.client import INVOKED, InProcess, until
from tests.lsp_server.completion.reading import begun
from tests.lsp_server.in_process import editor_with, is_at_rest, last_trace

MOVED, AGE = 40, 3
SHORT_PAUSE, LONG_PAUSE = Pauses(resting_s=0.01), Pauses(resting_s=1000)
TEXT = "x = \ny = 2\n"


class MovingEngine(FakeEngine):
    """An engine that moves each suffix that it may move."""

    def run(self, request: Request, generation: FakeGeneration, on_update: OnUpdate) -> None:
        def tell(update: Update) -> None:
            if update.trace is not None and request.may_move_suffix:
                trace = replace(update.trace, moved_tokens=MOVED, moved_age_tokens=AGE)
                update = replace(update, trace=trace)
            on_update(update)

        super().run(request, generation, tell)


async def typing(pauses: Pauses = SHORT_PAUSE, **options: Any) -> tuple[InProcess, MovingEngine]:
    """Return an editor that shows an item, and its engine."""
    engine = MovingEngine(lambda _before, _after: "hello()")
    editor, _ = await editor_with(TEXT, engine=engine, pauses=pauses, **options)
    assert await editor.complete(0, 4) == "hello()"
    return editor, engine


async def test_the_suffix_is_computed_exactly_when_the_typist_rests_and_once() -> None:
    editor, engine = await typing()
    await until(lambda: len(engine.requests) == 2 and is_at_rest())
    typed, rested = engine.requests
    assert typed.may_move_suffix
    assert not typed.background
    assert (rested.may_move_suffix, rested.background, rested.max_new_tokens) == (False, True, 1)
    assert rested.prompt == typed.prompt
    await editor.change((0, 4), (0, 4), "h")
    assert await editor.complete(0, 5) == "ello()"  # predicted: the engine is not asked
    await until(is_at_rest)
    assert len(engine.requests) == 2


async def test_at_a_predicted_place_too_while_the_suffix_is_a_moved_one() -> None:
    editor, engine = await typing(LONG_PAUSE)
    editor.server.pauses = SHORT_PAUSE
    await editor.change((0, 4), (0, 4), "h")
    assert await editor.complete(0, 5) == "ello()"
    await until(lambda: len(engine.requests) == 2 and is_at_rest())
    assert read_prompt(engine.requests[1]) == ("# a.py\nx = h", "\ny = 2\n")


async def test_the_trace_says_that_the_suffix_was_moved_and_how_old_it_is() -> None:
    editor, _ = await typing(LONG_PAUSE)
    tokens = (await last_trace(editor))["tokens"]
    assert (tokens["moved"], tokens["moved_age"]) == (MOVED, AGE)
    await editor.complete(0, 4, INVOKED)
    assert (await last_trace(editor))["tokens"]["moved"] == 0


@pytest.mark.parametrize("key", ["typed", "asked"])
async def test_the_next_key_ends_it(key: str) -> None:
    editor, engine = await typing(LONG_PAUSE)
    engine.background_gate.clear()
    editor.server.pauses = SHORT_PAUSE
    await editor.change((0, 4), (0, 4), "h")
    assert await editor.complete(0, 5) == "ello()"
    await begun(engine)
    (rested,) = engine.live
    editor.server.pauses = LONG_PAUSE
    if key == "typed":
        await editor.change((0, 5), (0, 5), "q")
    else:
        asked = asyncio.ensure_future(editor.complete(0, 5, INVOKED))
    await until(rested.cancelled.is_set)
    engine.background_gate.set()
    if key == "asked":
        await asked


async def test_nothing_is_computed_before_the_typist_rests() -> None:
    editor, engine = await typing(LONG_PAUSE)
    for column, letter in enumerate("hel", 4):
        await editor.change((0, column), (0, column), letter)
        await editor.complete(0, column + 1)
    assert len(engine.requests) == 1
    await editor.request("shutdown")
    await until(is_at_rest)


async def test_a_key_asks_exactly_and_then_nothing_is_left_to_compute() -> None:
    editor, engine = await typing(LONG_PAUSE)
    editor.server.pauses = SHORT_PAUSE
    await editor.complete(0, 4, INVOKED)
    await until(is_at_rest)
    asked = engine.requests[1:]
    assert asked
    assert not any(request.may_move_suffix for request in asked)
    assert not any(request.background for request in asked)


async def test_what_is_computed_ahead_may_be_moved() -> None:
    _, engine = await typing(LONG_PAUSE, look_ahead=True)
    await until(lambda: len(engine.requests) == 2)
    assert engine.requests[1].may_move_suffix


async def test_on_a_battery_the_suffix_stays_moved() -> None:
    editor, engine = await typing(LONG_PAUSE)
    editor.server.pauses, editor.server.battery = SHORT_PAUSE, Battery(lambda: True)
    await editor.change((0, 4), (0, 4), "h")
    assert await editor.complete(0, 5) == "ello()"
    await until(is_at_rest)
    assert len(engine.requests) == 1


async def test_the_setting_switches_it_off() -> None:
    _, engine = await typing(options={"completion": {"moved_suffix": False}})
    await until(is_at_rest)
    assert [request.may_move_suffix for request in engine.requests] == [False]


async def test_a_model_on_a_server_computes_nothing_that_nobody_waits_for() -> None:
    editor, engine = await typing(LONG_PAUSE)
    engine.info = ModelInfo("away", None, "remote", ("psm",), context_tokens=8192)
    editor.server.pauses = SHORT_PAUSE
    await editor.change((0, 4), (0, 4), "h")
    await editor.complete(0, 5)
    await until(is_at_rest)
    assert len(engine.requests) == 1
