"""A fill that runs goes on for the next keystrokes, as long as they type what the model writes."""

import asyncio

import pytest

from lsp_server.completion import running_fill
from tests.lsp_server.client import INVOKED, WAIT_S, text_of, until
from tests.lsp_server.in_process import cancel, editor_with, last_trace

ITEM = "first_word + second"


def write(before: str, _after: str) -> str:
    return ITEM if before.endswith("= ") else "other"


async def typing(**options):
    """Return an editor whose first request waits for the engine, the engine, and the answer to come."""
    editor, engine = await editor_with("x = \n", write, **options)
    engine.gate.clear()
    number, future = await editor.start_completion(0, 4)
    await until(lambda: engine.live)
    return editor, engine, number, future


async def type_text(editor, text: str):
    await editor.change((0, 4), (0, 4), text)
    return (await editor.start_completion(0, 4 + len(text)))[1]


async def test_the_next_keystroke_takes_what_the_one_before_has_begun():
    editor, engine, _, older = await typing()
    newer = await type_text(editor, "fir")
    assert await older is None
    engine.gate.set()
    assert text_of(await newer) == "st_word + second"
    assert len(engine.requests) == 1
    trace = await last_trace(editor)
    assert (trace["outcome"], trace["source"]) == ("shown", "earlier_key")
    tokens = trace["tokens"]
    assert tokens["text"] == tokens["shown"] == len(ITEM), "the share that is shown counts them with the key they serve"


async def test_what_contradicts_the_text_is_asked_anew():
    editor, engine, _, older = await typing()
    newer = await type_text(editor, "q")
    assert await older is None
    engine.gate.set()
    assert text_of(await newer) == "other"
    assert len(engine.requests) == 2
    await until(lambda: not engine.live)


async def test_what_contradicts_the_text_later_is_asked_anew_then():
    editor, engine, _, _ = await typing()
    for typed, character in enumerate("firm"):
        await editor.change((0, 4 + typed), (0, 4 + typed), character)
        _, future = await editor.start_completion(0, 5 + typed)
    engine.gate.set()
    assert text_of(await future) == "other"
    assert len(engine.requests) == 2


async def test_an_editor_that_cancels_each_request_before_the_next_one_loses_nothing(monkeypatch):
    monkeypatch.setattr(running_fill, "_UNWANTED_S", WAIT_S)  # the next one comes late on a busy machine
    editor, engine, number, future = await typing()
    await cancel(editor, number, future)
    newer = await type_text(editor, "f")
    engine.gate.set()
    assert text_of(await newer) == ITEM[1:]
    assert len(engine.requests) == 1


async def test_the_end_that_waits_for_an_older_cancelled_request_is_off_when_a_newer_one_waits(monkeypatch):
    pause_s, loop, ends = 1000 * WAIT_S, asyncio.get_running_loop(), []
    call_later = loop.call_later

    def noted(delay, *arguments, **options):
        timer = call_later(delay, *arguments, **options)
        if delay == pause_s:
            ends.append(timer)
        return timer

    monkeypatch.setattr(loop, "call_later", noted)
    monkeypatch.setattr(running_fill, "_UNWANTED_S", pause_s)
    editor, engine, number, future = await typing()
    await cancel(editor, number, future)
    newer = await type_text(editor, "f")
    await until(lambda: [timer.cancelled() for timer in ends] == [True])
    engine.gate.set()
    assert text_of(await newer) == ITEM[1:]


async def test_a_cancelled_request_that_no_keystroke_follows_ends():
    editor, engine, number, future = await typing()
    await cancel(editor, number, future)
    await until(lambda: not engine.live)


@pytest.mark.parametrize("change", [((0, 0), (0, 1), "y"), ((0, 2), (0, 4), "")])
async def test_another_change_of_the_document_ends_it_at_once(change):
    editor, engine, _, older = await typing()
    await editor.change(*change)
    assert await older is None
    await until(lambda: not engine.live)


async def test_a_key_asks_anew():
    editor, engine, _, older = await typing()
    _, asked = await editor.start_completion(0, 4, INVOKED)
    assert await older is None
    engine.gate.set()
    assert text_of(await asked) == ITEM
    assert len(engine.requests) > 1


async def test_a_text_of_low_confidence_is_asked_anew_where_the_user_is_now():
    editor, engine, _, _ = await typing(confidence=0.1)
    newer = await type_text(editor, "f")
    engine.gate.set()
    assert text_of(await newer) is None
    assert len(engine.requests) == 2
