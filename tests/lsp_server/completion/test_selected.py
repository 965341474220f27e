"""An item while the editor's menu has an entry selected (selectedCompletionInfo)."""

import logging
from typing import Any

import pytest

from tests.fake_engine import read_prompt
from tests.lsp_server.client import AUTOMATIC, INVOKED, InProcess, position
from tests.lsp_server.in_process import editor_with

ENCODINGS = [("utf-8", 4), ("utf-16", 2), ("utf-32", 1)]


async def items(
    editor: InProcess, line: int, start: int, end: int, entry: str, kind: int = AUTOMATIC
) -> list[dict[str, Any]]:
    """Return the items at the end of the range that the entry would replace."""
    params = editor.completion_params(line, end, kind)
    where = {"start": position(line, start), "end": position(line, end)}
    params["context"]["selectedCompletionInfo"] = {"range": where, "text": entry}
    found: list[dict[str, Any]] = (await editor.request("textDocument/inlineCompletion", params))["items"]
    return found


async def test_the_item_goes_on_from_what_is_selected():
    editor, engine = await editor_with("import os\npri\n", "(os)")
    (item,) = await items(editor, 1, 0, 3, "print")
    assert read_prompt(engine.requests[0]) == ("# a.py\nimport os\nprint", "\n")
    assert item["insertText"] == item["filterText"] == "print(os)"
    assert item["range"] == {"start": position(1, 0), "end": position(1, 3)}


async def test_an_entry_that_does_not_begin_with_what_was_typed():
    editor, _ = await editor_with("prt\n", "(os)")
    (item,) = await items(editor, 0, 0, 3, "print")
    assert item["insertText"] == "print(os)"
    assert item["filterText"].startswith("prt")


async def test_when_the_model_does_not_go_on_nothing_is_shown(caplog):
    caplog.set_level(logging.INFO, "lsp_server.server.session")
    editor, _ = await editor_with("pri\n", "")
    assert await items(editor, 0, 0, 3, "print") == []
    assert "nothing shown: the model writes nothing" in caplog.text


async def test_candidates_all_go_on_from_it():
    editor, _ = await editor_with("pri\n", "(os)")
    (item,) = await items(editor, 0, 0, 3, "print", INVOKED)
    assert item["insertText"] == "print(os)"


async def test_choosing_the_entry_or_typing_on_asks_the_engine_no_more():
    editor, engine = await editor_with("pri\n", "(os)")
    await items(editor, 0, 0, 3, "print")
    await editor.change((0, 3), (0, 3), "n")
    (item,) = await items(editor, 0, 0, 4, "print")
    assert item["insertText"] == "print(os)"
    await editor.change((0, 0), (0, 4), "print")
    assert await editor.complete(0, 5) == "(os)"
    assert len(engine.requests) == 1


@pytest.mark.parametrize(("encoding", "units"), ENCODINGS)
async def test_the_range_is_in_the_clients_encoding(encoding, units):
    editor, engine = await editor_with("s = '😀'; pri\r\n", "(s)", encoding=encoding)
    start = 8 + units
    (item,) = await items(editor, 0, start, start + 3, "print")
    assert item["range"] == {"start": position(0, start), "end": position(0, start + 3)}
    assert read_prompt(engine.requests[0])[0].endswith("s = '😀'; print")


@pytest.mark.parametrize("where", [(1, 0, 1), (0, 0, 1)])
async def test_a_range_elsewhere_is_answered_with_nothing_and_the_reason(where, caplog):
    caplog.set_level(logging.INFO, "lsp_server.server.session")
    editor, engine = await editor_with("pri\nx\n", "(os)")
    params = editor.completion_params(0, 3)
    line, start, end = where
    selected = {"range": {"start": position(line, start), "end": position(line, end)}, "text": "print"}
    params["context"]["selectedCompletionInfo"] = selected
    assert (await editor.request("textDocument/inlineCompletion", params))["items"] == []
    assert "does not stand at the cursor" in caplog.text
    assert not engine.requests
