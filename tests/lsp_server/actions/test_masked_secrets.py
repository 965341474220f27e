"""Actions on code that has a secret: the model sees placeholders, and the file keeps its secrets."""

import pytest

from context.secrets.masking import make_placeholder
from tests.context.tree import KEY
from tests.fake_engine import read_prompt
from tests.lsp_server.actions.actions_client import actions_at, applied, editor_at_stub, resolve
from tests.lsp_server.actions.chat_client import FIX, TESTS, edit_params
from tests.lsp_server.client import ResponseError, position

TEXT = f"é = '😀'\n\n\ndef login(user):\n    key = '{KEY}'  # 😀\n    return connect(user, key)\n"
PLACEHOLDER = make_placeholder(KEY)


def block(code: str) -> str:
    return f"```python\n{code}```"


@pytest.fixture
async def editor(editor, uri):
    await editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    await editor.open(TEXT, uri)
    return editor


def rewritten(name: str, secret: str) -> str:
    return f"def login(user):\n    {name} = '{secret}'  # 😀\n    return connect(user, {name})\n"


async def test_a_rewrite_has_the_secret_again_and_the_model_never_saw_it(editor, models, uri):
    models.answer = block(rewritten("api", PLACEHOLDER))
    params = edit_params(uri, (3, 0), (6, 0), instruction="Rename key to api", partialResultToken="p")
    result = await editor.request("midspan/edit", params)
    assert PLACEHOLDER in models.asked
    assert KEY not in models.asked + "".join(map(chr, models.chat.requests[-1].drafts[0].tokens))
    assert result["text"] == rewritten("api", KEY)
    assert applied(TEXT, result["edit"], uri) == TEXT.replace(" key", " api").replace("= api", "= api")
    drafts = [m["params"]["value"]["text"] for m in editor.messages_so_far() if m["method"] == "$/progress"]
    assert "".join(drafts) == result["text"]
    trace = (await editor.request("midspan/trace"))["traces"][-1]
    assert trace["masked"] == {"aws-access-key-id": 1}
    assert KEY not in str(trace)


async def test_a_placeholder_with_a_mistake_is_refused(editor, models, uri):
    wrong = PLACEHOLDER[:-4] + "AAAA"
    for secret in (wrong, PLACEHOLDER[:9]):
        models.answer = block(rewritten("api", secret))
        with pytest.raises(ResponseError, match="the placeholder of a masked secret with a mistake"):
            await editor.request("midspan/edit", edit_params(uri, (3, 0), (6, 0), instruction="Rename"))


async def test_a_secret_that_is_left_out_is_a_doubt(editor, models, uri):
    models.answer = block("def login(user):\n    return connect(user, os.environ['KEY'])\n")
    result = await editor.request("midspan/edit", edit_params(uri, (3, 0), (6, 0), instruction="Use the environment"))
    assert KEY not in applied(TEXT, result["edit"], uri)
    (note,) = result["edit"]["changeAnnotations"].values()
    assert "it leaves out a secret" in note["description"]


async def test_a_placeholder_of_another_file_is_refused(editor, models, uri):
    foreign = make_placeholder("Zq81kd0Xm2Lw93Ra")
    models.answer = block(rewritten("key", PLACEHOLDER).replace("# 😀", f"# {foreign}"))
    with pytest.raises(ResponseError, match="the placeholder of a secret that is not in"):
        await editor.request("midspan/edit", edit_params(uri, (3, 0), (6, 0), instruction="Rename"))


async def test_a_selection_that_cuts_a_secret_is_refused(editor, models, uri):
    with pytest.raises(ResponseError, match="begins or ends within a secret"):
        await editor.request("midspan/edit", edit_params(uri, (4, 15), (4, 34), instruction="Shorten"))
    assert not models.chat.requests


async def test_a_diagnostic_that_quotes_the_secret_is_masked(editor, models, uri):
    models.answer = block(rewritten("api", PLACEHOLDER))
    message = f"Possible hardcoded password: '{KEY}'"
    diagnostic = {"range": {"start": position(4, 4), "end": position(4, 7)}, "message": message}
    action = (await actions_at(editor, (4, 4), uri=uri, diagnostics=[diagnostic]))[FIX]
    edit = (await resolve(editor, action))["edit"]
    assert f"Possible hardcoded password: '{PLACEHOLDER}'" in models.asked
    assert KEY not in models.asked
    assert applied(TEXT, edit, uri) == TEXT.replace(" key", " api")


async def test_tests_do_not_get_the_placeholder_of_the_code(editor, models, uri):
    models.answer = block(f"def test_login():\n    assert login('{PLACEHOLDER}')\n")
    action = (await actions_at(editor, (3, 0), uri=uri))[TESTS]
    with pytest.raises(ResponseError, match="the placeholder of a secret that is not in"):
        await resolve(editor, action)
    assert KEY not in models.asked


async def test_a_hole_of_a_file_with_a_secret_is_filled() -> None:
    text = f"é = '😀{KEY}'\nkey = '{KEY}'\ndef double(a):\n    pass\n"
    editor, engine = await editor_at_stub(text, f"return connect('{PLACEHOLDER}')")
    action = (await actions_at(editor, (2, 4)))["refactor.rewrite.midspan.body"]
    edit = (await resolve(editor, action))["edit"]
    assert applied(text, edit) == text.replace("    pass", f"    return connect('{KEY}')")
    assert KEY not in "".join(read_prompt(engine.requests[-1]))
