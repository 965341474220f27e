"""Documents without completions: the editor is told why, and the other documents go on."""

import json
import logging

import pytest

from lsp_server.rpc.frames import FrameReader, frame
from tests.fake_engine import FakeEngine
from tests.lsp_server.client import URI, InProcess

GOOD = "file:///project/good.py"


@pytest.fixture
async def editor() -> InProcess:
    editor = InProcess(FakeEngine(lambda *_: "hello()"))
    await editor.initialize(["utf-8"])
    await editor.open("x = \n", uri=GOOD)
    return editor


async def shown(editor: InProcess) -> str:
    message = await editor.message()
    assert message["method"] == "window/showMessage"
    return str(message["params"]["message"])


async def others_go_on(editor: InProcess) -> bool:
    return await editor.complete(0, 4, uri=GOOD) == "hello()"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "# " + "x" * 50_000_000,
            "a.py is larger than 4 MB: nothing is completed in it. Once it is smaller, open it again.",
        ),
        ("\x7fELF\0\0", "a.py is binary (it holds a zero byte): nothing is completed in it."),
        (
            "s = 'caf\udce9'\n",
            "a.py is not UTF-8: nothing is completed in it. Save it as UTF-8 and open it again.",
        ),
    ],
    ids=["50 MB", "binary", "not UTF-8"],
)
async def test_a_file_that_is_no_source_is_told_once_and_the_others_go_on(editor, text, message):
    await editor.open(text)
    assert await shown(editor) == message
    for column in range(3):
        await editor.change((0, column), (0, column), "y")
        assert await editor.complete(0, column + 1) is None
    assert editor.notifications.empty()
    assert await others_go_on(editor)
    await editor.open("x = \n")
    assert await editor.complete(0, 4) == "hello()"


async def test_bytes_that_are_no_utf8_do_not_lose_the_message_around_them(editor):
    text = b'{"uri": "%s", "languageId": "python", "version": 1, "text": "caf\xe9"}' % URI.encode()
    message = b'{"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": %s}}' % text
    editor.server.protocol.handle_body(message)
    assert "a.py is not UTF-8" in await shown(editor)
    assert await others_go_on(editor)


async def test_a_file_becomes_unusable_by_typing(editor):
    await editor.open("x = \n")
    await editor.change((0, 4), (0, 4), "\0")
    assert "a.py is binary" in await shown(editor)
    assert await editor.complete(0, 4) is None
    assert await others_go_on(editor)


async def test_an_edit_that_cannot_be_followed_is_told_and_the_others_go_on(editor):
    await editor.open("x = \n")
    for _ in range(2):
        await editor.change((9, 0), (9, 0), "lost")
    assert "a.py has no line 10" in await shown(editor)
    assert await editor.complete(0, 4) is None
    assert editor.notifications.empty()
    assert await others_go_on(editor)


@pytest.mark.parametrize(
    ("uri", "line", "why"),
    [
        (
            "file:///project/never_opened.py",
            0,
            "never_opened.py is not open. The editor must send didOpen for it first.",
        ),
        ("vscode-notebook-cell:/project/n.ipynb#W0", 0, "is not open"),
        (
            GOOD,
            99,
            "good.py has no line 100: it has 2. The editor and the server disagree about the text; reopen the file.",
        ),
    ],
)
async def test_a_place_that_does_not_exist_gets_no_item_and_the_log_says_why(editor, uri, line, why, caplog):
    caplog.set_level(logging.INFO)
    assert await editor.complete(line, 0, uri=uri) is None
    assert why in caplog.text
    assert await others_go_on(editor)


async def test_a_column_past_the_end_of_its_line_is_the_end_of_the_line(editor):
    assert await editor.complete(0, 99, uri=GOOD) == "hello()"


async def test_documents_that_are_not_followed_are_no_news_at_every_keystroke(editor):
    cell = "vscode-notebook-cell:/n.ipynb#W0"
    await editor.open("z = ", uri=cell)
    for uri in (cell, "file:///project/never_opened.py"):
        await editor.change((0, 0), (0, 0), "a", uri=uri)
    assert editor.notifications.empty()
    assert await others_go_on(editor)


async def test_a_message_that_is_too_long_to_be_read_is_told_once(editor):
    reader = FrameReader()
    item = {"uri": URI, "languageId": "python", "version": 1, "text": "x" * 100_000_000}
    body = json.dumps({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": item}}).encode()
    for _ in range(2):
        for skipped in reader.feed(frame(body)):
            editor.server.protocol.handle_body(skipped)
    assert await shown(editor) == "A message of over 64 MB was skipped. A file of this size is not completed."
    assert await others_go_on(editor)
    told = [await editor.message() for _ in range(editor.notifications.qsize())]
    assert [message.get("method") for message in told] == [None, None]  # the protocol's errors
