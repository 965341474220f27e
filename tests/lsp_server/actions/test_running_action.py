"""A running action: it ends with its request, its progress or its document."""

import asyncio
import threading
import time

import pytest

from tests.lsp_server.actions.actions_client import (
    BODY,
    RICH,
    TEXT,
    actions_at,
    applied,
    editor_at_stub,
    resolve,
)
from tests.lsp_server.client import URI, WAIT_S, ResponseError, until
from tests.lsp_server.in_process import cancel, is_at_rest


async def test_a_client_that_resolves_no_actions_runs_a_command_and_receives_the_edit():
    editor, engine = await editor_at_stub(capabilities={})
    command = (await actions_at(editor, (1, 4)))[BODY]["command"]
    params = {"command": command["command"], "arguments": command["arguments"]}
    _, done = await editor.start_request("workspace/executeCommand", params)
    message = await editor.message()
    assert message["method"] == "workspace/applyEdit"
    assert applied(TEXT, message["params"]["edit"]) == TEXT.replace("pass", "return 2 * a")
    await editor.send({"jsonrpc": "2.0", "id": message["id"], "result": {"applied": True}})
    assert await done is None
    await editor.change((4, 0), (4, 0), "y = 2\n")
    with pytest.raises(ResponseError, match="edited since"):
        await editor.request("workspace/executeCommand", params)
    assert len(engine.requests) == 1


async def test_a_changed_document_refuses_the_action():
    editor, engine = await editor_at_stub()
    action = (await actions_at(editor, (1, 4)))[BODY]
    await editor.change((4, 0), (4, 0), "y = 2\n")
    with pytest.raises(ResponseError, match="edited since") as error:
        await resolve(editor, action)
    assert error.value.code == -32801
    assert not engine.requests


class Drip(threading.Event):
    """A gate that lets `left` more characters through."""

    left = 0

    def wait(self, timeout: float | None = None) -> bool:
        if self.left:
            self.left -= 1
            return True
        time.sleep(timeout or 0)
        return False


async def test_a_change_of_the_document_ends_the_generation_at_the_next_token():
    editor, engine = await editor_at_stub()
    engine.gate = drip = Drip()
    action = (await actions_at(editor, (1, 4)))[BODY]
    _, answer = await editor.start_request("codeAction/resolve", action)
    await until(lambda: engine.live)
    await editor.change((4, 0), (4, 0), "y = 2\n")
    drip.left = 1
    with pytest.raises(ResponseError, match="edited since"):
        await asyncio.wait_for(answer, WAIT_S)
    await until(lambda: not engine.live)


async def test_a_document_that_is_opened_anew_with_another_text_refuses_the_edit_of_the_text_before():
    editor, engine = await editor_at_stub()
    engine.gate.clear()
    action = (await actions_at(editor, (1, 4)))[BODY]
    _, answer = await editor.start_request("codeAction/resolve", action)
    await until(lambda: engine.live)
    await editor.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    await editor.open(f"# new\n{TEXT}")  # its version is that of the text before
    engine.gate.set()
    with pytest.raises(ResponseError, match="edited since") as error:
        await asyncio.wait_for(answer, WAIT_S)
    assert error.value.code == -32801


async def test_a_cancelled_request_ends_the_generation():
    editor, engine = await editor_at_stub()
    engine.gate.clear()
    action = (await actions_at(editor, (1, 4)))[BODY]
    number, answer = await editor.start_request("codeAction/resolve", action)
    await until(lambda: engine.live)
    await cancel(editor, number, answer)
    await until(lambda: not engine.live and is_at_rest())


async def test_the_draft_is_shown_as_progress_that_the_user_may_cancel():
    editor, engine = await editor_at_stub(capabilities={**RICH, "window": {"workDoneProgress": True}})
    engine.gate.clear()
    action = (await actions_at(editor, (1, 4)))[BODY]
    _, answer = await editor.start_request("codeAction/resolve", action)
    create = await editor.message()
    assert create["method"] == "window/workDoneProgress/create"
    await editor.send({"jsonrpc": "2.0", "id": create["id"], "result": None})
    begin = (await editor.message())["params"]
    assert begin["value"] == {"kind": "begin", "title": "Midspan: Fill this body", "cancellable": True}
    await editor.notify("window/workDoneProgress/cancel", {"token": begin["token"]})
    with pytest.raises(ResponseError) as error:
        await answer
    assert error.value.code == -32800
    assert (await editor.message())["params"]["value"]["kind"] == "end"
    await until(lambda: not engine.live)


@pytest.mark.parametrize(
    "change",
    [
        {"uri": 5},
        {"version": "1"},
        {"kind": "refactor.rewrite.other"},
        {"range": None},
        {"range": {"start": {"line": -1, "character": 0}, "end": {"line": 0, "character": 0}}},
        {"detail": []},
    ],
)
async def test_data_of_another_server_are_refused(change):
    editor, engine = await editor_at_stub()
    action = (await actions_at(editor, (1, 4)))[BODY]
    with pytest.raises(ResponseError) as error:
        await resolve(editor, {**action, "data": {**action["data"], **change}})
    assert error.value.code == -32602
    assert not engine.requests


async def test_an_action_at_a_place_that_it_does_not_fit_is_refused():
    editor, engine = await editor_at_stub()
    action = (await actions_at(editor, (1, 4)))[BODY]
    action["data"]["range"]["start"]["line"] = action["data"]["range"]["end"]["line"] = 4
    with pytest.raises(ResponseError, match="does not fit"):
        await resolve(editor, action)
    assert not engine.requests
