"""The server computes the next item while the user reads the last one; only its speed tells so."""

import logging
from dataclasses import replace

import pytest

from inference.api import ModelInfo
from inference.local_engine import LocalEngine
from lsp_server.completion import completion_model
from lsp_server.completion.confidence.confidence_table import UNCALIBRATED
from lsp_server.completion.triggers import BLOCK_LINES
from lsp_server.server.engines import Engines
from lsp_server.settings.values import EAGERNESS
from midspan import ModelError
from tests.fake_engine import FakeEngine, read_prompt
from tests.lsp_server.client import INVOKED, InProcess, until
from tests.lsp_server.completion.reading import (
    AFTER,
    ITEM,
    LONG_PAUSE,
    NEXT,
    accept,
    begun,
    done,
    nothing_is_begun,
    reading,
    write,
)
from tests.lsp_server.in_process import editor_with, is_at_rest, last_trace


async def test_the_request_after_an_acceptance_is_answered_without_the_engine():
    editor, engine = await reading()
    await done(engine)
    await accept(editor)
    assert await editor.complete(0, len(AFTER)) == NEXT
    trace = await last_trace(editor)
    assert (trace["outcome"], trace["source"], trace["shown_characters"]) == ("shown", "look_ahead", len(NEXT))
    assert len(engine.requests) == 2


async def test_what_is_asked_ahead_is_what_would_be_asked_after_the_acceptance():
    editor, engine = await reading("x = \ny = 2\n", is_held=True)
    await begun(engine)
    ahead = engine.requests[1]
    assert read_prompt(ahead) == (f"# a.py\n{AFTER}", "\ny = 2\n")
    assert ahead.max_lines == BLOCK_LINES
    assert ahead.background
    await editor.request("shutdown")


async def test_and_so_on_item_by_item():
    editor, engine = await reading(answer=lambda before, _after: ITEM if before.endswith("= ") else f"\n{before[-2:]}")
    await done(engine)
    await accept(editor)
    assert await editor.complete(0, len(AFTER)) == "\n()"
    await done(engine, 3)
    await editor.accept(0, len(AFTER), "\n()")
    assert await editor.complete(1, 2) == "\n()"
    assert len(engine.requests) == 3


async def test_an_acceptance_before_it_is_done_waits_for_it_and_asks_nothing_again():
    editor, engine = await reading(is_held=True)
    await begun(engine)
    await accept(editor)
    _, future = await editor.start_completion(0, len(AFTER))
    engine.background_gate.set()
    answer = await future
    assert [item["insertText"] for item in answer["items"]] == [NEXT]
    assert len(engine.requests) == 2


async def test_an_acceptance_before_it_has_begun_asks_at_once():
    editor, engine = await reading(pauses=LONG_PAUSE)
    await accept(editor)
    assert await editor.complete(0, len(AFTER)) == NEXT
    assert [request.background for request in engine.requests] == [False, False]
    await editor.request("shutdown")


async def test_between_two_keystrokes_nothing_is_begun():
    editor, engine = await reading(pauses=LONG_PAUSE)
    await editor.change((0, 4), (0, 4), "q")
    await nothing_is_begun(engine)


async def test_whoever_types_the_item_or_accepts_a_part_of_it_leaves_it_running():
    editor, engine = await reading(is_held=True)
    await begun(engine)
    (generation,) = engine.live
    await editor.change((0, 4), (0, 4), "f")
    assert await editor.complete(0, 5) == "irst()"
    await editor.change((0, 5), (0, 5), "irst")
    assert await editor.complete(0, 9) == "()"
    assert not generation.cancelled.is_set()
    engine.background_gate.set()
    await editor.accept(0, 9, "()")
    assert await editor.complete(0, len(AFTER)) == NEXT
    assert len(engine.requests) == 2


async def test_whoever_has_typed_the_item_is_not_shown_what_an_acceptance_would_bring():
    editor, engine = await reading()
    await done(engine)
    for column, character in enumerate(ITEM, 4):
        await editor.change((0, column), (0, column), character)
    assert await editor.complete(0, len(AFTER)) is None
    assert [request.max_lines for request in engine.requests] == [1, BLOCK_LINES]  # the typed statement is over


async def test_a_key_at_the_place_asks_for_candidates_all_the_same():
    editor, engine = await reading()
    await done(engine)
    await accept(editor)
    assert await editor.complete(0, len(AFTER), INVOKED) == NEXT
    assert len(engine.requests) > 2


async def test_in_a_file_with_cr_lf():
    engine = FakeEngine(lambda before, _: "\n    return a" if before.endswith("b = 2") else "a = 1\n    b = 2")
    editor, _ = await editor_with("def f():\r\n    \r\n", engine=engine, look_ahead=True)
    assert await editor.complete(1, 4) == "a = 1\n    b = 2"
    await done(engine)
    await editor.change((1, 4), (1, 4), "a = 1\r\n    b = 2")
    assert await editor.complete(2, 9) == "\n    return a"
    assert len(engine.requests) == 2


async def test_a_model_on_a_server_is_asked_nothing_ahead():
    engine = FakeEngine(write)
    engine.info = ModelInfo("away", None, "remote", ("psm",), context_tokens=8192)
    editor, _ = await editor_with(engine=engine, look_ahead=True)
    assert await editor.complete(0, 4) == ITEM
    await nothing_is_begun(engine)


async def test_the_setting_switches_it_off():
    editor, engine = await editor_with(answer=write)
    assert await editor.complete(0, 4) == ITEM
    await nothing_is_begun(engine)


async def test_what_the_engine_fails_with_is_told_when_somebody_asks(caplog):
    def fail(before: str, after: str) -> str:
        if before.endswith(ITEM):
            raise ModelError("the weights are gone")
        return write(before, after)

    caplog.set_level(logging.WARNING)
    editor, engine = await reading(answer=fail)
    await done(engine)
    assert not caplog.records
    await accept(editor)
    assert await editor.complete(0, len(AFTER)) is None
    trace = await last_trace(editor)
    assert (trace["outcome"], trace["detail"], trace["source"]) == ("failed", "the weights are gone", "engine")


async def nothing_comes_unasked(editor: InProcess, engine: FakeEngine, outcome: str) -> None:
    """After the acceptance, and without another question to the engine."""
    await done(engine)
    await accept(editor)
    assert await editor.complete(0, len(AFTER)) is None
    trace = await last_trace(editor)
    assert (trace["outcome"], trace["source"]) == (outcome, "look_ahead")
    assert len(engine.requests) == 2


async def test_a_guess_is_nothing_and_not_asked_for_again():
    editor, engine = await reading(confidence=0.9)
    engine.confidence = 0.1
    await nothing_comes_unasked(editor, engine, "low_confidence")


async def test_where_the_model_writes_nothing_it_is_not_asked_again():
    editor, engine = await reading(answer=lambda before, _after: "" if before.endswith(ITEM) else ITEM)
    await nothing_comes_unasked(editor, engine, "empty")


async def test_it_leaves_no_trace_and_counts_for_nothing():
    editor, engine = await reading()
    await done(engine)
    assert len((await editor.request("midspan/trace", {"limit": 10}))["traces"]) == 1
    await editor.change((0, 4), (0, 4), "q")
    assert len((await editor.request("midspan/trace", {"limit": 10}))["traces"]) == 1


PLACES = [
    "def find(items, key):\n    for item in items:\n        if item.|\n",
    "def count(words):\n    found = {}\n    |\n",
]


@pytest.mark.parametrize("marked", PLACES)
async def test_the_built_in_model_writes_what_a_fresh_session_is_given(
    marked: str, built_in: LocalEngine, monkeypatch: pytest.MonkeyPatch
):
    undemanding = replace(UNCALIBRATED, least=dict.fromkeys(EAGERNESS, 0.0))
    monkeypatch.setattr(completion_model, "confidence_table", lambda _folder: undemanding)
    before, after = marked.split("|")
    place = before.count("\n"), len(before.rpartition("\n")[2])
    engines = Engines(lambda _settings: built_in)
    found: list[str | None] = []
    for editor in (InProcess(engines, look_ahead=True), InProcess(engines)):
        await editor.initialize()
        await editor.open(before + after)
        item = await editor.complete(*place)
        assert item
        await until(is_at_rest)
        await editor.accept(*place, item)
        found.append(await editor.complete(place[0], place[1] + len(item)))
        assert found[0]
        assert ((await last_trace(editor))["source"] == "look_ahead") == (len(found) == 1)
    assert found[0] == found[1]
