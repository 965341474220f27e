"""The list of code actions: kinds, and the reasons of disabled actions."""

from pathlib import Path

import pytest

from midspan import ModelError
from tests.context.tree import GENERATED, write_tree
from tests.fake_engine import FakeEngine
from tests.lsp_server.actions.actions_client import BODY, DOCSTRING, RICH, TEXT, actions_at, editor_at_stub, resolve
from tests.lsp_server.client import InProcess, ResponseError


async def test_actions_are_announced_by_their_kinds():
    editor = InProcess(FakeEngine(lambda *_: ""))
    provider = (await editor.initialize())["capabilities"]["codeActionProvider"]
    assert provider["resolveProvider"] is True
    assert {BODY, "quickfix.midspan.fix", "refactor.midspan.tests"} <= set(provider["codeActionKinds"])


@pytest.mark.parametrize(
    ("only", "kinds"),
    [
        (["refactor"], {BODY, DOCSTRING}),
        ([BODY], {BODY}),
        (["refactor.rewrite.mid"], set()),
        (["quickfix"], set()),
        ([""], {BODY, DOCSTRING}),
    ],
)
async def test_the_list_has_only_the_kinds_that_the_client_wants(only, kinds):
    editor, _ = await editor_at_stub()
    assert set(await actions_at(editor, (1, 4), only=only)) & {BODY, DOCSTRING} == kinds


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tree(tmp_path, {".gitignore": "secret.py\n", "secret.py": TEXT, "generated.py": f"{GENERATED}{TEXT}"})


@pytest.mark.parametrize(("name", "reason"), [("secret.py", "gitignore"), ("generated.py", "generated")])
async def test_an_action_on_an_excluded_document_is_listed_as_disabled_and_refused(root, name, reason):
    engine = FakeEngine(lambda *_: "return 1")
    editor = InProcess(engine)
    await editor.initialize(root=root.as_uri(), capabilities=RICH)
    uri = (root / name).as_uri()
    text = (root / name).read_text()
    await editor.open(text, uri)
    line = text.splitlines().index("def double(a):")
    action = (await actions_at(editor, (line, 4), uri=uri))[BODY]
    assert name in action["disabled"]["reason"]
    del action["disabled"]
    with pytest.raises(ResponseError, match=reason):
        await resolve(editor, action)
    assert not engine.requests
    assert not await actions_at(editor, (line, 4), uri=uri, triggerKind=2)  # the editor asked by itself
    await editor.request("shutdown")


async def test_a_client_that_cannot_show_disabled_actions_gets_none(root):
    editor = InProcess(FakeEngine(lambda *_: ""))
    await editor.initialize(root=root.as_uri())
    uri = (root / "secret.py").as_uri()
    await editor.open(TEXT, uri)
    assert not await actions_at(editor, (1, 4), uri=uri)
    await editor.request("shutdown")


async def test_an_action_without_a_model_says_why_it_is_disabled():
    editor, _ = await editor_at_stub(load_error=ModelError("/models/x holds no weights. Fetch them."))
    await editor.message()
    action = (await actions_at(editor, (1, 4)))[BODY]
    assert "holds no weights. Fetch them." in action["disabled"]["reason"]


async def test_a_model_that_answers_after_a_failure_is_offered_again():
    failures = [ModelError("the server is away.")]

    def answer(_before: str, _after: str) -> str:
        if failures:
            raise failures.pop()
        return " + 2"

    editor, _ = await editor_at_stub(answer=answer)
    assert await editor.complete(4, 5) is None
    assert "the server is away" in (await actions_at(editor, (1, 4)))[BODY]["disabled"]["reason"]
    assert await editor.complete(4, 5) == " + 2"
    assert "disabled" not in (await actions_at(editor, (1, 4)))[BODY]
