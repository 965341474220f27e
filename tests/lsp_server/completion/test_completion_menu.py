from typing import Any

import pytest

from tests.fake_engine import FakeEngine
from tests.lsp_server.client import URI, InProcess, position
from tests.lsp_server.in_process import editor_with

ROOT = "file:///project"


async def menu(editor: InProcess, line: int, character: int) -> Any:
    place = {"textDocument": {"uri": URI}, "position": position(line, character)}
    return await editor.request("textDocument/completion", place | {"context": {"triggerKind": 1}})


async def test_only_a_client_without_inline_completion_is_offered_a_menu():
    without = await InProcess(FakeEngine(lambda *_: "")).initialize()
    assert "." in without["capabilities"]["completionProvider"]["triggerCharacters"]
    capabilities: dict[str, Any] = {"textDocument": {"inlineCompletion": {}}}
    params = {"processId": None, "rootUri": ROOT, "capabilities": capabilities}
    with_it = await InProcess(FakeEngine(lambda *_: "")).request("initialize", params)
    assert "completionProvider" not in with_it["capabilities"]
    assert "inlineCompletionProvider" in with_it["capabilities"]


@pytest.mark.parametrize(("encoding", "start"), [("utf-8", 13), ("utf-16", 11), ("utf-32", 10)])
async def test_the_entry_replaces_the_word_before_the_cursor(encoding: str, start: int):
    editor, _ = await editor_with("s = '😀' + na\n", "me.lower()", encoding=encoding)
    answer = await menu(editor, 0, start + 2)
    (entry,) = answer["items"]
    assert answer["isIncomplete"]
    assert entry["filterText"] == entry["label"] == "name.lower()"
    word = {"start": position(0, start), "end": position(0, start + 2)}
    assert entry["textEdit"] == {"range": word, "newText": "name.lower()"}


async def test_many_lines_are_one_entry_with_its_own_indentation():
    editor, _ = await editor_with("def f():\n    \n", "return [\n        1,\n    ]")
    (entry,) = (await menu(editor, 1, 4))["items"]
    assert entry["label"] == "return [ …"
    assert entry["textEdit"]["newText"] == "return [\n        1,\n    ]"
    assert entry["insertTextMode"] == 1
    assert "return [" in entry["documentation"]["value"]
    assert entry["command"]["command"] == "midspan.accepted"


async def test_an_entry_that_begins_with_a_new_line_is_called_by_what_it_brings():
    editor, _ = await editor_with(
        "x = \n", lambda before, _after: "\ny = 2\nz = 3" if before.endswith("value") else "value"
    )
    (entry,) = (await menu(editor, 0, 4))["items"]
    await editor.change((0, 4), (0, 4), "value")
    command = {name: entry["command"][name] for name in ("command", "arguments")}
    await editor.request("workspace/executeCommand", command)
    (entry,) = (await menu(editor, 0, 9))["items"]
    assert entry["label"] == "y = 2 …"
    assert entry["filterText"] == "value"
    assert entry["textEdit"]["newText"] == "value\ny = 2\nz = 3"


async def test_nothing_to_show_is_an_empty_menu_that_is_asked_again():
    editor, _ = await editor_with("x = \n", "")
    assert await menu(editor, 0, 4) == {"isIncomplete": True, "items": []}
    assert await menu(editor, 7, 0) == {"isIncomplete": True, "items": []}  # no such line
