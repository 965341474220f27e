"""Requests that overlap: each sees its own text, and the newest of a document ends the older ones."""

import asyncio

from tests.fake_engine import read_prompt
from tests.lsp_server.client import URI, text_of, until
from tests.lsp_server.in_process import cancel, editor_with, is_at_rest


async def test_a_request_sees_the_text_as_it_was_when_it_arrived():
    editor, engine = await editor_with("x = \n")
    engine.gate.clear()
    _, future = await editor.start_completion(0, 4)
    await editor.change((0, 0), (1, 0), "y")
    engine.gate.set()
    assert text_of(await future) == "hello()"
    assert read_prompt(engine.requests[0])[0].endswith("x = ")


async def test_a_newer_request_supersedes_the_older_one_of_the_same_document_only():
    editor, engine = await editor_with("x = \n")
    other = "file:///project/b.py"
    await editor.open("y = \n", uri=other)
    engine.gate.clear()
    _, elsewhere = await editor.start_completion(0, 4, uri=other)
    _, older = await editor.start_completion(0, 4)
    await until(lambda: len(engine.live) == 2)
    await editor.change((0, 4), (0, 4), "1")
    _, newer = await editor.start_completion(0, 5)
    assert await older is None  # and not an empty list, which would take the ghost text away
    engine.gate.set()
    assert text_of(await newer) == text_of(await elsewhere) == "hello()"


async def test_fifty_fast_keystrokes_leave_one_live_request_and_then_none():
    editor, engine = await editor_with("x = \n", answer=lambda before, _: before[-50:])
    engine.gate.clear()
    futures = []
    for typed in range(50):
        await editor.change((0, 4 + typed), (0, 4 + typed), chr(ord("a") + typed % 26))
        futures.append((await editor.start_completion(0, 5 + typed))[1])
    assert await asyncio.gather(*futures[:-1]) == [None] * 49
    await until(lambda: len(engine.live) == 1)
    status = await editor.request("midspan/status")
    assert (status["live_requests"], status["running_requests"]) == (1, 1)
    engine.gate.set()
    assert (text_of(await futures[-1]) or "").endswith("uvwx")
    await until(lambda: not engine.live and is_at_rest())  # what is looked ahead behind the answer ends too
    status = await editor.request("midspan/status")
    assert (status["live_requests"], status["running_requests"]) == (0, 0)


async def test_a_cancel_by_the_client_ends_the_generation():
    editor, engine = await editor_with("x = \n")
    engine.gate.clear()
    number, future = await editor.start_completion(0, 4)
    await until(lambda: engine.live)
    await cancel(editor, number, future)
    await until(lambda: not engine.live)
    engine.gate.set()
    assert await editor.complete(0, 4) == "hello()"


async def test_closing_a_document_ends_its_request():
    editor, engine = await editor_with("x = \n")
    engine.gate.clear()
    _, future = await editor.start_completion(0, 4)
    await until(lambda: engine.live)
    await editor.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    assert await future is None
    await until(lambda: not engine.live)
