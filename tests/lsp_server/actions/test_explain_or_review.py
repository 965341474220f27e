import shutil
import stat
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.lsp_server.actions.actions_client import RICH, actions_at, resolve
from tests.lsp_server.actions.chat_client import EXPLAIN, TEXT, edit_params, editor_for
from tests.lsp_server.client import InProcess


async def explained(editor: InProcess, uri: str) -> dict[str, Any]:
    action = await resolve(editor, (await actions_at(editor, (4, 0), uri=uri))[EXPLAIN])
    assert "edit" not in action
    command = action["command"]
    assert command["command"] == "midspan.answer"
    _, done = await editor.start_request("workspace/executeCommand", {k: command[k] for k in ("command", "arguments")})
    message = await editor.message()
    if "id" in message:
        await editor.send({"jsonrpc": "2.0", "id": message["id"], "result": {"success": True}})
    assert await done is None
    return message


async def test_an_explanation_opens_as_a_private_file_that_is_deleted_with_the_session(editor, models, uri):
    models.answer = "It **doubles** \u202eit."
    message = await explained(editor, uri)
    assert message["method"] == "window/showDocument"
    assert message["params"]["external"] is False
    file = Path(unquote(urlsplit(message["params"]["uri"]).path))
    assert "It **doubles** \ufffdit." in file.read_text(encoding="utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert "def double(a):\n    b = 2\n    return b * a" in models.asked
    editor.server.session.close()
    assert not file.parent.exists()


async def test_an_explanation_opens_also_after_the_system_has_cleaned_its_temporary_files(editor, models, uri):
    models.answer = "It doubles."
    action = await resolve(editor, (await actions_at(editor, (4, 0), uri=uri))[EXPLAIN])
    first = Path(unquote(urlsplit((await explained(editor, uri))["params"]["uri"]).path))
    shutil.rmtree(first.parent)
    second = Path(unquote(urlsplit((await explained(editor, uri))["params"]["uri"]).path))
    assert "It doubles." in second.read_text(encoding="utf-8")
    command = action["command"]
    await editor.request("workspace/executeCommand", {name: command[name] for name in ("command", "arguments")})
    assert "deleted" in (await editor.message())["params"]["message"]


async def test_an_explanation_is_a_message_for_a_client_that_opens_no_documents(models, root, uri):
    editor = await editor_for(models, root, RICH)
    await editor.open(TEXT, uri)
    models.answer = "It doubles."
    message = await explained(editor, uri)
    assert message["method"] == "window/showMessage"
    assert "It doubles." in message["params"]["message"]
    await editor.request("shutdown")


async def test_midspan_answer_returns_prose(editor, models, uri):
    models.answer = "Nothing is wrong."
    result = await editor.request("midspan/answer", edit_params(uri, (3, 0), (6, 0), kind="review"))
    assert result == {"text": "Nothing is wrong.", "model": "fake"}
    assert "Review this part" in models.asked
