"""The edit that fills a hole, in the form that each client knows."""

import pytest

from tests.lsp_server.actions.actions_client import BODY, TEXT, actions_at, applied, editor_at_stub, resolve
from tests.lsp_server.client import URI


async def test_the_edit_has_a_version_and_a_label_for_a_client_that_knows_them():
    editor, _ = await editor_at_stub(confidence=0.9)
    edit = (await resolve(editor, (await actions_at(editor, (1, 4)))[BODY]))["edit"]
    (change,) = edit["documentChanges"]
    assert change["textDocument"] == {"uri": URI, "version": 1}
    ((name, annotation),) = edit["changeAnnotations"].items()
    assert [one["annotationId"] for one in change["edits"]] == [name]
    assert annotation == {"label": "Midspan: Fill this body", "needsConfirmation": False}


async def test_a_client_without_versions_gets_the_plain_form():
    editor, _ = await editor_at_stub(capabilities={})
    edit = (await resolve(editor, (await actions_at(editor, (1, 4)))[BODY]))["edit"]
    assert list(edit) == ["changes"]
    assert applied(TEXT, edit) == TEXT.replace("pass", "return 2 * a")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_places_are_in_the_clients_units(encoding):
    text = "def 𝐟é(): ...\n"
    editor, _ = await editor_at_stub(text, "return 1", encoding=encoding)
    edit = (await resolve(editor, (await actions_at(editor, (0, 0)))[BODY]))["edit"]
    assert applied(text, edit, encoding=encoding) == "def 𝐟é():\n    return 1\n"


async def test_a_fill_of_low_confidence_needs_confirmation():
    editor, _ = await editor_at_stub(confidence=0.2)
    edit = (await resolve(editor, (await actions_at(editor, (1, 4)))[BODY]))["edit"]
    (annotation,) = edit["changeAnnotations"].values()
    assert annotation["needsConfirmation"] is True
    assert "confidence" in annotation["description"]


@pytest.mark.parametrize(
    ("answer", "kwargs", "reason"),
    [
        ("return 2 * a", {"confidence": 0.2}, "confidence"),
        ("return (", {}, "does not parse"),
        ("x1 = 2\n" * 99, {}, "cut"),
    ],
)
async def test_a_client_that_cannot_ask_for_confirmation_is_told_the_warning(answer, kwargs, reason):
    distinct = "".join(f"x{n} = {n}\n    " for n in range(200)) if reason == "cut" else answer
    editor, _ = await editor_at_stub(answer=distinct, capabilities={}, **kwargs)
    resolved = await resolve(editor, (await actions_at(editor, (1, 4)))[BODY])
    assert resolved["edit"]
    message = (await editor.message())["params"]
    assert message["type"] == 2
    assert reason in message["message"]
