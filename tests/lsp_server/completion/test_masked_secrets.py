"""Completion in a file that has a secret."""

from pathlib import Path
from typing import Any

import pytest

from context.secrets.masking import make_placeholder
from tests.context.tree import KEY
from tests.fake_engine import read_prompt
from tests.lsp_server.client import InProcess
from tests.lsp_server.in_process import editor_with

TEXT = f"key = '{KEY}'\nother = 1\n\n"
PLACEHOLDER = make_placeholder(KEY)


async def last_trace(editor: InProcess) -> dict[str, Any]:
    traces: list[dict[str, Any]] = (await editor.request("midspan/trace"))["traces"]
    return traces[-1]


async def test_a_file_with_a_key_is_completed_and_the_model_sees_a_placeholder() -> None:
    editor, engine = await editor_with(TEXT, "call()")
    assert await editor.complete(2, 0) == "call()"
    before, _ = read_prompt(engine.requests[-1])
    assert f"key = '{PLACEHOLDER}'\n" in before
    assert KEY not in before
    trace = await last_trace(editor)
    assert trace["masked"] == {"aws-access-key-id": 1}
    assert KEY not in str(trace)
    assert PLACEHOLDER not in str(trace)


async def test_a_placeholder_of_this_document_becomes_the_secret_again() -> None:
    editor, _ = await editor_with(TEXT, f"copy = '{PLACEHOLDER}'")
    assert await editor.complete(2, 0) == f"copy = '{KEY}'"


async def test_a_placeholder_of_another_file_is_not_shown(tmp_path: Path) -> None:
    editor, _ = await editor_with("x = 1\n\n", f"copy = '{PLACEHOLDER}'")
    await editor.open(TEXT, "file:///project/keys.py")
    assert await editor.complete(1, 0) is None
    trace = await last_trace(editor)
    assert (trace["outcome"], trace["masked"]) == ("masked_secret", {"aws-access-key-id": 1})


@pytest.mark.parametrize("kind", [1, 2])
@pytest.mark.parametrize("character", [7, 12, 27])
async def test_in_a_secret_the_engine_is_not_asked(character: int, kind: int) -> None:
    editor, engine = await editor_with(TEXT, "XYZ")
    assert await editor.complete(0, character, kind) is None
    if kind == 1 or character == 27:  # elsewhere in a line nothing is asked without a key anyway
        assert (await last_trace(editor))["outcome"] == "in_secret"
    assert not engine.requests


async def test_an_edit_elsewhere_that_holds_a_secret_is_masked_in_the_prompt() -> None:
    editor, engine = await editor_with("use_other(\n", "1")
    await editor.open("def use_other(a): ...\n", "file:///project/other.py")
    await editor.change((1, 0), (1, 0), f"key = '{KEY}'\n", uri="file:///project/other.py")
    await editor.complete(0, 10)
    before, _ = read_prompt(engine.requests[-1])
    assert PLACEHOLDER in before
    assert KEY not in before
