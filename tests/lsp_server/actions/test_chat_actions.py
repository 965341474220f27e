import pytest

from tests.lsp_server.actions.actions_client import actions_at
from tests.lsp_server.actions.chat_client import EDIT, EXPLAIN, REVIEW, TESTS, TEXT, edit_params, editor_for
from tests.lsp_server.client import ResponseError, until
from tests.lsp_server.in_process import cancel


async def test_an_action_on_a_changed_document_is_refused(editor, models, uri):
    text = f"# midspan: simplify\n{TEXT[11:]}"
    await editor.open(text, uri)
    action = (await actions_at(editor, (0, 0), uri=uri))[EDIT]
    await editor.change((1, 0), (1, 0), "\n", uri)
    for method, params in (
        ("codeAction/resolve", action),
        ("midspan/edit", edit_params(uri, (3, 0), (6, 0), instruction="Simplify")),
        ("midspan/answer", edit_params(uri, (3, 0), (6, 0), kind="explain")),
    ):
        with pytest.raises(ResponseError, match="edited since") as error:
            await editor.request(method, params)
        assert error.value.code == -32801
    assert not models.chat.requests


@pytest.mark.parametrize("method", ["midspan/edit", "midspan/answer"])
async def test_a_cancelled_request_ends_the_generation(editor, models, uri, method):
    models.chat.background_gate.clear()
    params = edit_params(uri, (3, 0), (6, 0), instruction="Simplify", kind="review")
    number, answer = await editor.start_request(method, params)
    await until(lambda: models.chat.live)
    await cancel(editor, number, answer)
    await until(lambda: not models.chat.live)


async def test_without_a_model_chat_actions_say_which_to_pull(models, root, uri):
    editor = await editor_for(models, root, chat=None)
    await editor.open(TEXT, uri)
    actions = await actions_at(editor, (4, 0), uri=uri)
    for kind in (TESTS, EXPLAIN, REVIEW):
        assert "midspan model pull" in actions[kind]["disabled"]["reason"]
    with pytest.raises(ResponseError, match="midspan model pull"):
        await editor.request("midspan/edit", edit_params(uri, (3, 0), (6, 0), instruction="Simplify"))
    await editor.request("shutdown")


async def test_no_action_asks_about_an_excluded_document(editor, models, root):
    uri = (root / "private/a.py").as_uri()
    await editor.open(TEXT, uri)
    for action in (await actions_at(editor, (4, 0), uri=uri)).values():
        assert "gitignore" in action["disabled"]["reason"]
    for method in ("midspan/edit", "midspan/answer"):
        with pytest.raises(ResponseError, match="gitignore"):
            await editor.request(method, edit_params(uri, (3, 0), (6, 0), instruction="Simplify", kind="explain"))
    assert not models.chat.requests


@pytest.mark.parametrize(
    ("method", "change"),
    [
        ("midspan/edit", {"instruction": ""}),
        ("midspan/edit", {"instruction": 5}),
        ("midspan/edit", {"range": None}),
        ("midspan/edit", {"range": {"start": {"line": -1, "character": 0}, "end": {"line": 0, "character": 0}}}),
        ("midspan/edit", {"textDocument": {}}),
        ("midspan/edit", {"version": "1"}),
        ("midspan/edit", {"partialResultToken": [1]}),
        ("midspan/answer", {"kind": "run"}),
        ("midspan/answer", {"kind": "fix"}),
        ("midspan/answer", {"kind": "fix", "diagnostics": [{"message": "x"}]}),
        ("midspan/answer", {"kind": "fix", "diagnostics": {"message": "x"}}),
    ],
)
async def test_wrong_parameters_are_answered_with_invalid_params(editor, models, uri, method, change):
    params = edit_params(uri, (3, 0), (6, 0), instruction="Simplify", kind="explain")
    with pytest.raises(ResponseError) as error:
        await editor.request(method, {**params, **change})
    assert error.value.code == -32602
    assert not models.chat.requests


async def test_an_automatic_list_has_no_chat_actions_without_a_model(models, root, uri):
    editor = await editor_for(models, root, chat=None)
    await editor.open(TEXT, uri)
    assert not set(await actions_at(editor, (4, 0), uri=uri, triggerKind=2)) & {TESTS, EXPLAIN, REVIEW, EDIT}
    await editor.request("shutdown")
