from typing import Any

import pytest

from tests.lsp_server.actions.actions_client import actions_at, applied, resolve
from tests.lsp_server.actions.chat_client import EDIT, FIX, TEXT, edit_params
from tests.lsp_server.client import position


async def test_an_edit_by_a_comment_changes_only_lines_that_differ_and_deletes_the_comment(editor, models, uri):
    text = TEXT.replace("def double", "# midspan: drop the variable b\ndef double")
    await editor.open(text, uri)
    action = (await actions_at(editor, (3, 0), uri=uri))[EDIT]
    assert action["title"] == "Edit: drop the variable b"
    assert not models.chat.requests
    edit = (await resolve(editor, action))["edit"]
    assert applied(text, edit, uri) == TEXT.replace("    b = 2\n    return b * a", "    return 2 * a")
    lines = [one["range"]["start"]["line"] for one in edit["documentChanges"][0]["edits"]]
    assert lines == [3, 5]  # line 4 stays the same
    assert "drop the variable b" in models.asked
    assert "midspan:" not in models.asked
    assert not models.completion.requests


async def test_the_original_code_is_the_speculative_draft(editor, models, uri):
    await editor.request("midspan/edit", edit_params(uri, (3, 0), (6, 0), instruction="Simplify"))
    assert "def double(a):\n    b = 2" in "".join(map(chr, models.chat.requests[0].drafts[0].tokens))


async def test_new_code_replaces_an_instruction_above_no_code(editor, models, uri):
    text = "import os\n\n# midspan: a function that triples\n"
    await editor.open(text, uri)
    models.answer = "Sure:\n```python\ndef triple(a):\n    return 3 * a\n```\nDone."
    edit = (await resolve(editor, (await actions_at(editor, (2, 0), uri=uri))[EDIT]))["edit"]
    assert applied(text, edit, uri) == "import os\n\ndef triple(a):\n    return 3 * a\n"


async def test_a_selection_without_an_instruction_says_how_to_give_one(editor, uri):
    action = (await actions_at(editor, (3, 0), (6, 0), uri=uri))[EDIT]
    assert "midspan: …" in action["disabled"]["reason"]


async def test_a_diagnostic_is_fixed_in_its_definition(editor, models, uri):
    diagnostic = {"range": {"start": position(4, 4), "end": position(4, 5)}, "message": "b is pointless\n(see W1)"}
    action = (await actions_at(editor, (4, 4), uri=uri, diagnostics=[diagnostic]))[FIX]
    assert action["title"] == "Fix: b is pointless (see W1)"
    edit = (await resolve(editor, action))["edit"]
    assert applied(TEXT, edit, uri) == TEXT.replace("    b = 2\n    return b * a", "    return 2 * a")
    assert "`b = 2`: b is pointless (see W1)" in models.asked


async def test_midspan_edit_streams_drafts_and_returns_edit_and_text(editor, models, uri):
    params = edit_params(uri, (3, 0), (6, 0), instruction="Simplify", partialResultToken="p", workDoneToken="w")
    result = await editor.request("midspan/edit", params)
    assert result["text"] == "def double(a):\n    return 2 * a\n"  # all text that replaces the range
    assert result["model"] == "fake"
    assert result["range"] == {"start": position(3, 0), "end": position(6, 0)}
    assert applied(TEXT, result["edit"], uri) == TEXT.replace("    b = 2\n    return b * a", "    return 2 * a")
    told: dict[str, list[Any]] = {"p": [], "w": []}
    for message in editor.messages_so_far():
        told[message["params"]["token"]].append(message["params"]["value"])
    assert "".join(piece["text"] for piece in told["p"]) == result["text"]
    kinds = [value["kind"] for value in told["w"]]
    assert (kinds[0], kinds[-1]) == ("begin", "end")


@pytest.mark.parametrize(("start", "end"), [((2, 0), (7, 0)), ((3, 0), (5, 16)), ((4, 3), (5, 2)), ((4, 0), (4, 0))])
async def test_the_text_in_place_of_its_range_equals_the_edit(editor, models, uri, start, end):
    lines = TEXT.splitlines(keepends=True)
    if start == (4, 3):
        models.answer = "```python\n    return 2 * a\n```"
    result = await editor.request("midspan/edit", edit_params(uri, start, end, instruction="Simplify"))
    ends = [(result["range"][one]["line"], result["range"][one]["character"]) for one in ("start", "end")]
    before = "".join(lines[: ends[0][0]]) + lines[ends[0][0]][: ends[0][1]]
    after = lines[ends[1][0]][ends[1][1] :] + "".join(lines[ends[1][0] + 1 :])
    assert before + result["text"] + after == applied(TEXT, result["edit"], uri)


async def test_lines_of_which_the_first_is_the_deepest_keep_their_indentation(editor, models, uri):
    models.answer = "```python\n    return a\n\ndef g(a):\n    return 3 * a\n```"
    text = "def f(a):\n    return a\n\ndef g(a):\n    return a\n"
    other = uri.replace(".py", "_other.py")
    await editor.open(text, other)
    result = await editor.request("midspan/edit", edit_params(other, (1, 0), (4, 12), instruction="Triple it"))
    assert applied(text, result["edit"], other) == text.replace(
        "def g(a):\n    return a", "def g(a):\n    return 3 * a"
    )


async def test_within_a_line_only_the_selection_changes(editor, models, uri):
    models.answer = "```python\n3\n```"
    result = await editor.request("midspan/edit", edit_params(uri, (4, 8), (4, 9), instruction="Make it three"))
    assert applied(TEXT, result["edit"], uri) == TEXT.replace("b = 2", "b = 3")
