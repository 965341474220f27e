import asyncio

import pytest

from tests.fake_engine import FakeEngine
from tests.lsp_server.client import InProcess, ResponseError, text_of, until

NOT_INITIALIZED, INVALID_REQUEST, INVALID_PARAMS, UNKNOWN_METHOD = -32002, -32600, -32602, -32601
PARSE_ERROR, INTERNAL_ERROR = -32700, -32603


@pytest.fixture
def editor() -> InProcess:
    return InProcess(FakeEngine(lambda *_: "hello()"))


async def code_of(request) -> int:
    with pytest.raises(ResponseError) as caught:
        await request
    return caught.value.code


async def test_nothing_but_initialize_is_answered_first_and_only_once(editor):
    assert await code_of(editor.request("midspan/status")) == NOT_INITIALIZED
    await editor.open("dropped")
    await editor.initialize()
    assert (await editor.request("midspan/status"))["documents"] == 0
    assert await code_of(editor.initialize()) == INVALID_REQUEST


async def test_after_shutdown_only_exit_is_heard(editor):
    await editor.initialize()
    await editor.open("x = \n")
    assert await editor.request("shutdown") is None
    assert await code_of(editor.complete(0, 4)) == INVALID_REQUEST
    await editor.notify("exit")
    assert editor.server.protocol.exit_code == 0


async def test_exit_without_shutdown_is_an_error(editor):
    await editor.initialize()
    await editor.notify("exit")
    assert editor.server.protocol.exit_code == 1


async def test_shutdown_ends_what_runs():
    engine = FakeEngine(lambda *_: "hello()")
    editor = InProcess(engine)
    await editor.initialize()
    await editor.open("x = \n")
    engine.gate.clear()
    _, future = await editor.start_completion(0, 4)
    await until(lambda: engine.live)
    await editor.request("shutdown")
    assert await code_of(future) == -32800
    await until(lambda: not engine.live)


@pytest.mark.parametrize(
    "params",
    [
        None,
        [],
        {"textDocument": {"uri": "file:///a.py"}},
        {"textDocument": {"uri": "file:///a.py"}, "position": {"line": -1, "character": 0}, "context": {}},
        {"textDocument": {"uri": 5}, "position": {"line": 0, "character": 0}, "context": {"triggerKind": 9}},
    ],
)
async def test_wrong_parameters_get_a_response(editor, params):
    await editor.initialize()
    assert await code_of(editor.request("textDocument/inlineCompletion", params)) == INVALID_PARAMS
    await editor.notify("textDocument/didChange", params)
    assert (await editor.request("midspan/status"))["ready"]


async def test_an_unknown_method_gets_a_response(editor):
    await editor.initialize()
    assert await code_of(editor.request("midspan/unknown")) == UNKNOWN_METHOD
    await editor.notify("midspan/unknown")
    assert (await editor.request("midspan/status"))["ready"]


@pytest.mark.parametrize(
    ("body", "number", "code"),
    [
        (b"{", None, PARSE_ERROR),
        (b"\xff\xfe", None, PARSE_ERROR),
        (b"[" * 100_000, None, PARSE_ERROR),
        (b"[]", None, INVALID_REQUEST),
        (b"17", None, INVALID_REQUEST),
        (b'{"id": 9, "method": "shutdown"}', 9, INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "id": true, "method": "shutdown"}', None, INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "id": 9, "method": "textDocument/didClose"}', 9, INVALID_REQUEST),
    ],
)
async def test_what_is_no_message_gets_an_error_and_the_server_stays_up(editor, body, number, code):
    await editor.initialize()
    editor.server.protocol.handle_body(body)
    message = await editor.message()
    assert (message["id"], message["error"]["code"]) == (number, code)
    assert (await editor.request("midspan/status"))["ready"]


async def test_a_response_to_nothing_and_a_cancel_of_nothing_are_ignored(editor):
    await editor.initialize()
    await editor.send({"jsonrpc": "2.0", "id": 99, "result": None})
    await editor.send({"jsonrpc": "2.0", "id": 98, "error": {"code": 1, "message": "no"}})
    await editor.notify("$/cancelRequest", {"id": 97})
    assert (await editor.request("midspan/status"))["ready"]


async def test_a_client_that_answers_its_own_request_gets_its_answer_all_the_same():
    engine = FakeEngine(lambda *_: "hello()")
    editor = InProcess(engine)
    await editor.initialize()
    await editor.open("x = \n")
    engine.gate.clear()
    number, running = await editor.start_completion(0, 4)
    await editor.send({"jsonrpc": "2.0", "id": number, "result": None})
    await editor.send({"jsonrpc": "2.0", "id": number, "error": {"code": 1, "message": "no"}})
    editor.server.protocol.handle_body(b'{"jsonrpc": "2.0", "id": %d, "method": "midspan/status"}' % number)
    assert await code_of(running) == INVALID_REQUEST  # the id is in use
    engine.gate.set()
    assert text_of((await editor.message())["result"]) == "hello()"


async def test_a_bug_in_a_handler_is_answered_without_its_traceback(editor):
    @editor.server.feature("midspan/broken")
    def broken(_params):
        raise RuntimeError("at /home/somebody/secret.py")

    await editor.initialize()
    with pytest.raises(ResponseError) as caught:
        await editor.request("midspan/broken")
    assert caught.value.code == INTERNAL_ERROR
    assert "secret" not in str(caught.value.error)


@pytest.mark.parametrize("arguments", [[], ["a", "b"], [1, 2, 3], [1, -1], [1, {}], [{}], None, [999], [999, 2]])
async def test_wrong_arguments_of_a_command_leave_the_server_up(editor, arguments):
    await editor.initialize()
    params = {"command": "midspan.accepted", "arguments": arguments}
    _, future = await editor.start_request("workspace/executeCommand", params)
    await asyncio.wait([future])
    assert "Traceback" not in str(future.exception())
    assert await code_of(editor.request("workspace/executeCommand", {"command": "rm"})) == INVALID_PARAMS
