import json
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from lsp_server.rpc.converter import strict_converter
from lsp_server.rpc.incoming import Answer, read_message
from lsp_server.rpc.outgoing import ClientRequests


def answer(number: Any, **members: Any) -> Answer:
    message = read_message(json.dumps({"jsonrpc": "2.0", "id": number, **members}).encode())
    assert isinstance(message, Answer)
    return message


@pytest.fixture
def requests() -> ClientRequests:
    return ClientRequests(strict_converter())


def test_an_answer_ends_its_request_with_the_type_of_lsp(requests):
    number, future = requests.add(types.WINDOW_SHOW_DOCUMENT, None)
    requests.end(answer(number, result={"success": True}))
    assert future.result(0) == types.ShowDocumentResult(success=True)


def test_an_error_of_the_client_is_raised_to_the_one_who_waits(requests):
    number, future = requests.add(types.WINDOW_SHOW_DOCUMENT, None)
    requests.end(answer(number, error={"code": -32601, "message": "not known here"}))
    with pytest.raises(JsonRpcException, match="not known here"):
        future.result(0)


@pytest.mark.parametrize("members", [{"result": {"success": 1}}, {"result": None}, {"error": None}, {"error": "x"}])
def test_an_answer_that_is_not_of_lsp_ends_the_request_too(requests, members):
    number, future = requests.add(types.WINDOW_SHOW_DOCUMENT, None)
    requests.end(answer(number, **members))
    with pytest.raises(JsonRpcException, match="not what LSP says"):
        future.result(0)


def test_answers_to_nothing_twice_or_too_late_are_dropped(requests):
    unknown: list[Any] = [None, 1, "unknown", [], {}, True, 1.5]
    for number in unknown:
        requests.end(answer(number, result=None))
    number, future = requests.add(types.WINDOW_SHOW_DOCUMENT, None)
    for success in (True, False):
        requests.end(answer(number, result={"success": success}))
    assert future.result(0).success
    number, future = requests.add(types.WINDOW_SHOW_DOCUMENT, None)
    requests.cancel_all()
    requests.end(answer(number, result={"success": True}))
    assert future.cancelled()
