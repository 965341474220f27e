import asyncio
import json
import random
from typing import Any

import pytest

from lsp_server.relay.handshake import STOPPED_METHOD
from lsp_server.relay.replay_log import ReplayLog
from tests.fake_engine import FakeEngine
from tests.lsp_server.client import InProcess

A, B = "file:///project/a.py", "file:///project/b.py"


def body(**message: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False).encode()


def opened(text: str, uri: str = A) -> bytes:
    item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
    return body(method="textDocument/didOpen", params={"textDocument": item})


def changed(change: dict[str, Any], uri: str = A, version: int = 2) -> bytes:
    params = {"textDocument": {"uri": uri, "version": version}, "contentChanges": [change]}
    return body(method="textDocument/didChange", params=params)


def closed(uri: str) -> bytes:
    return body(method="textDocument/didClose", params={"textDocument": {"uri": uri}})


def insertion(line: int, character: int, text: str) -> dict[str, Any]:
    at = {"line": line, "character": character}
    return {"range": {"start": at, "end": at}, "text": text}


INITIALIZE = body(id=1, method="initialize", params={"capabilities": {}, "processId": None, "rootUri": None})
INITIALIZED = body(method="initialized", params={})


@pytest.fixture
def log() -> ReplayLog:
    log = ReplayLog()
    log.read_from_editor(INITIALIZE)
    assert log.read_from_daemon(body(id=1, result={}))
    log.read_from_editor(INITIALIZED)
    return log


def decoded(bodies: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(each) for each in bodies]


def test_a_new_daemon_is_initialized_again_and_the_editor_hears_nothing_of_it(log):
    first, second = decoded(log.replay())
    assert first["method"] == "initialize"
    assert first["params"] == json.loads(INITIALIZE)["params"]
    assert second["method"] == "initialized"
    assert not log.read_from_daemon(body(id=first["id"], result={}))


def test_an_initialize_without_an_answer_is_answered_by_the_next_daemon():
    log = ReplayLog()
    log.read_from_editor(INITIALIZE)
    assert log.close_open_requests() == []
    assert decoded(log.replay()) == [json.loads(INITIALIZE)]
    assert log.read_from_daemon(body(id=1, result={}))


def test_an_initialize_that_was_refused_is_not_replayed():
    log = ReplayLog()
    log.read_from_editor(body(id=1, method="initialize", params=5))
    log.read_from_daemon(body(id=1, error={"code": -32602, "message": "wrong"}))
    assert log.replay() == []


def test_every_request_is_answered_when_the_daemon_has_gone(log):
    log.read_from_editor(body(id=2, method="textDocument/inlineCompletion", params={}))
    log.read_from_editor(body(id="3", method="midspan/status"))
    log.read_from_editor(body(id=4, method="midspan/status"))
    log.read_from_daemon(body(id=4, result={}))
    log.read_from_editor(body(id=5, method="shutdown"))
    answers = {answer["id"]: answer for answer in decoded(log.close_open_requests())}
    assert set(answers) == {2, "3", 5}
    assert answers[2]["result"] is answers[5]["result"] is None
    assert answers["3"]["error"]["code"] == -32803
    assert log.close_open_requests() == []


def test_the_ghost_text_that_the_user_waits_for_is_asked_of_the_next_daemon_once(log):
    earlier, asked = (body(id=number, method="textDocument/inlineCompletion", params={}) for number in (2, 3))
    log.read_from_editor(opened("x"))
    log.read_from_editor(earlier)
    log.read_from_editor(asked)
    assert decoded(log.close_open_requests()) == [{"jsonrpc": "2.0", "id": 2, "result": None}]
    assert log.replay()[2:] == [opened("x"), asked]
    assert decoded(log.close_open_requests()) == [{"jsonrpc": "2.0", "id": 3, "result": None}]  # it may kill them
    assert log.replay()[2:] == [opened("x")]


def test_a_ghost_text_that_nobody_waits_for_is_not_asked_of_the_next_daemon(log):
    asked = body(id=2, method="textDocument/inlineCompletion", params={})
    log.read_from_editor(asked)
    log.read_from_editor(body(method="$/cancelRequest", params={"id": 2}))
    assert [answer["id"] for answer in decoded(log.close_open_requests())] == [2]
    assert log.replay()[2:] == []
    log.read_from_editor(asked)
    log.read_from_daemon(body(id=2, result=None))
    assert log.close_open_requests() == log.replay()[2:] == []
    log.read_from_editor(opened("x"))
    log.read_from_editor(asked)
    log.read_from_editor(changed({"text": "another"}))  # and its place may be another's
    assert [answer["id"] for answer in decoded(log.close_open_requests())] == [2]
    assert asked not in log.replay()


def test_a_daemon_that_the_user_stops_is_not_waited_for(log):
    log.read_from_editor(body(id=2, method="textDocument/inlineCompletion", params={}))
    log.read_from_daemon(body(method=STOPPED_METHOD))
    assert [answer["id"] for answer in decoded(log.close_open_requests())] == [2]
    assert log.replay()[2:] == []


def test_progress_that_has_begun_is_ended(log):
    for token, kind in (("a", "begin"), (7, "begin"), ("a", "end")):
        assert log.read_from_daemon(body(method="$/progress", params={"token": token, "value": {"kind": kind}}))
    (end,) = decoded(log.close_open_requests())
    assert (end["params"]["token"], end["params"]["value"]["kind"]) == (7, "end")


def test_documents_are_replayed_as_the_editor_sent_them(log):
    said = [opened("x\n"), changed(insertion(0, 0, "é")), opened("other", B)]
    for each in (*said, opened("gone", "file:///c.py"), closed("file:///c.py")):
        assert log.read_from_editor(each) == [each]
    log.read_from_editor(changed(insertion(0, 0, "!"), "file:///never-opened.py"))
    assert log.replay()[2:] == said


def test_changes_of_the_workspace_are_replayed(log):
    folders = body(method="workspace/didChangeWorkspaceFolders", params={"event": {"added": [], "removed": []}})
    log.read_from_editor(folders)
    log.read_from_editor(opened("x"))
    assert log.replay()[2:] == [folders, opened("x")]


def test_the_users_settings_are_replayed(log):
    settings = body(method="midspan/userSettings", params={"completion": {"max_tokens": 5}})
    log.read_from_editor(settings)
    assert log.replay()[2:] == [settings]


def test_a_whole_text_replaces_all_earlier_changes(log):
    log.read_from_editor(opened("x"))
    for text in ("one", "two", "three"):
        log.read_from_editor(changed({"text": text}))
    assert log.replay()[2:] == [opened("x"), changed({"text": "three"})]


def test_long_changes_are_replaced_by_the_text_that_they_result_in(log):
    log.read_from_editor(opened("x"))
    long, late = changed(insertion(0, 0, "y" * 300_000)), changed(insertion(0, 0, "z"))
    _, question = log.read_from_editor(long)
    assert log.read_from_editor(late) == [late]  # the relay asks for the text once
    asked = json.loads(question)
    assert (asked["method"], asked["params"]["textDocument"]["uri"]) == ("midspan/document", A)
    item = {"uri": A, "languageId": "python", "version": 2, "text": "the text"}
    assert not log.read_from_daemon(body(id=asked["id"], result=item))
    reopened, remaining = log.replay()[2:]
    assert json.loads(reopened)["params"]["textDocument"] == item
    assert remaining == late


def test_a_request_for_the_text_that_dies_with_its_daemon_is_sent_again(log):
    log.read_from_editor(opened("x"))
    long = changed(insertion(0, 0, "y" * 300_000))
    assert len(log.read_from_editor(long)) == 2
    assert log.close_open_requests() == []
    assert log.replay()[2:] == [opened("x"), long]
    assert len(log.read_from_editor(changed(insertion(0, 0, "z")))) == 2


def test_a_document_that_the_daemon_does_not_know_keeps_its_changes(log):
    log.read_from_editor(opened("x"))
    long = changed(insertion(0, 0, "y" * 300_000))
    _, question = log.read_from_editor(long)
    assert not log.read_from_daemon(body(id=json.loads(question)["id"], result=None))
    assert log.replay()[2:] == [opened("x"), long]
    assert len(log.read_from_editor(changed(insertion(0, 0, "z")))) == 1


@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff", b'{"method": 5}', b'{"id": [], "method": "x"}', b"null"])
def test_a_body_that_is_no_message_is_left_to_the_daemon(log, data):
    assert log.read_from_editor(data) == [data]
    assert log.read_from_daemon(data)
    assert log.close_open_requests() == []


def test_a_text_that_is_not_utf_8_is_replayed_as_it_came(log):
    latin = opened("x").replace(b'"x"', b'"caf\xe9"')
    log.read_from_editor(latin)
    assert log.replay()[2:] == [latin]


@pytest.mark.parametrize("seed", range(5))
async def test_a_second_server_has_the_text_of_the_first(seed):
    """Random edits, some of them whole texts and some long; the answers to the relay's requests come late.

    A late answer has the text as it was at the request, before the edits that came since.
    """
    dice = random.Random(seed)
    log = ReplayLog()
    first = InProcess(FakeEngine(lambda *_: ""))
    late: list[bytes] = []

    async def send(message: bytes) -> None:
        for each in log.read_from_editor(message):
            if b"midspan/document" in each:
                question = json.loads(each)
                item = await first.request("midspan/document", question["params"])
                late.append(body(id=question["id"], result=item))
            else:
                await first.send(json.loads(each))
        if late and dice.random() < 0.3:
            assert not log.read_from_daemon(late.pop(0))

    await send(INITIALIZE)
    await send(INITIALIZED)
    for uri in (A, B):
        await send(opened("first = 1\nsecond = '😀é'\n", uri))
    for version in range(2, 120):
        uri = dice.choice((A, B))
        line = dice.choice((0, 1))
        text = dice.choice(("x", "é😀", "\n", "long " * 20_000))
        change = {"text": f"whole {version}\n\n"} if dice.random() < 0.05 else insertion(line, 0, text)
        await send(changed(change, uri, version))
    second = InProcess(FakeEngine(lambda *_: ""))
    for message in log.replay():
        await second.send(json.loads(message))
    await asyncio.sleep(0)
    for uri in (A, B):
        params = {"textDocument": {"uri": uri}}
        expected = await first.request("midspan/document", params)
        assert await second.request("midspan/document", params) == expected


def test_what_the_user_has_switched_off_stays_off_with_another_daemon():
    log = ReplayLog()
    for message in (INITIALIZE, INITIALIZED):
        log.read_from_editor(message)
    params = {"command": "midspan.setCompletion", "arguments": [{"enabled": False}]}
    log.read_from_editor(body(id=2, method="workspace/executeCommand", params=params))
    log.read_from_editor(body(id=3, method="workspace/executeCommand", params={"command": "midspan.other"}))
    assert log.read_from_daemon(body(id=2, result={}))
    _, _, command = [json.loads(each) for each in log.replay()]
    assert command["params"] == params
    assert command["id"] not in (2, 3)
    assert not log.read_from_daemon(body(id=command["id"], result={})), "the editor did not ask again"
