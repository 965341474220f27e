"""Well-formed messages at the wrong time: unknown methods, answers and cancels of nothing, an id that is in use."""

from typing import Any

from tests.lsp_server.rpc.hostile.message import (
    INVALID_REQUEST,
    REQUEST_FAILED,
    RESULT,
    UNKNOWN_METHOD,
    Dice,
    Hostile,
    Messages,
    Numbers,
    body,
    notification,
    request,
)

UNKNOWN = "", "x", "midspan/unknown", "textDocument/unknown", "$/unknown", "\ud800", "m" * 5000, "__init__", "a\nb"
# Methods of LSP that the server sends itself, or that Midspan does not offer.
NOT_OURS = (
    "window/showMessageRequest", "workspace/applyEdit", "textDocument/hover", "client/registerCapability",
    "workspace/configuration", "textDocument/semanticTokens/full",
)  # fmt: skip


def messages(dice: Dice, numbers: Numbers) -> Messages:
    kinds = _unknown, _unknown_notification, _not_ours, _answer, _cancel, _initialize, _request_without_id
    while True:
        if dice.random() < 0.1:
            yield from _used_twice(dice, numbers)
        else:
            yield dice.choice(kinds)(dice, numbers)


def _unknown(dice: Dice, numbers: Numbers) -> Hostile:
    return request(dice.choice(UNKNOWN), dice.choice([None, {}, [], 5, "x"]), numbers.next(), UNKNOWN_METHOD)


def _unknown_notification(dice: Dice, _numbers: Numbers) -> Hostile:
    return notification(dice.choice(UNKNOWN + NOT_OURS), dice.choice([None, {}, [], 5, "x"]))


def _not_ours(dice: Dice, numbers: Numbers) -> Hostile:
    return request(dice.choice(NOT_OURS), {}, numbers.next(), UNKNOWN_METHOD)


def _answer(dice: Dice, numbers: Numbers) -> Hostile:
    number = dice.choice([numbers.next(), 1, "1", None, [], {}, True, 1.5])
    kinds: tuple[dict[str, Any], ...]
    kinds = {"result": None}, {"result": {}}, {"error": {"code": 1, "message": "x"}}, {"error": "x"}, {"error": None}
    return Hostile(body({"id": number, **dice.choice(kinds)}))


def _cancel(dice: Dice, numbers: Numbers) -> Hostile:
    return notification("$/cancelRequest", {"id": dice.choice([numbers.next(), 1, "1", 2**40])})


def _initialize(_dice: Dice, numbers: Numbers) -> Hostile:
    return request(
        "initialize", {"capabilities": {}, "processId": None, "rootUri": None}, numbers.next(), INVALID_REQUEST
    )


def _request_without_id(dice: Dice, _numbers: Numbers) -> Hostile:
    return notification(dice.choice(["shutdown", "initialize", "textDocument/inlineCompletion"]), {})


def _used_twice(dice: Dice, numbers: Numbers) -> Messages:
    """A chat request, answers by the client under the same id, and a second request with that id."""
    number = numbers.next()
    params = {"messages": [{"role": "user", "content": "Why?"}]}
    yield request("midspan/chat", params, number, RESULT, REQUEST_FAILED)
    yield Hostile(body({"id": number, "result": None}))
    yield Hostile(body({"id": number, "error": {"code": 1, "message": "x"}}))
    # The chat may have ended by now on a busy machine.
    yield request("midspan/chat", params, number, INVALID_REQUEST, RESULT, REQUEST_FAILED)
