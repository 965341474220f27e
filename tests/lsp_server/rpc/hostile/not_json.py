"""Bodies that are not JSON, or not a message of JSON-RPC."""

import json

from tests.lsp_server.rpc.hostile.message import (
    INVALID_REQUEST,
    PARSE_ERROR,
    Dice,
    Hostile,
    Messages,
    Numbers,
    body,
)


def messages(dice: Dice, numbers: Numbers) -> Messages:
    kinds = _broken, _bytes, _deep, _no_message, _wrong_version, _wrong_id, _wrong_method
    while True:
        yield dice.choice(kinds)(dice, numbers)


def _broken(dice: Dice, _numbers: Numbers) -> Hostile:
    whole = body({"id": 1, "method": "midspan/status", "params": {"a": [1, "é", None]}})
    return _unreadable(whole[: dice.randrange(len(whole))])


def _bytes(dice: Dice, _numbers: Numbers) -> Hostile:
    return _unreadable(b"\xff" + dice.randbytes(dice.randrange(200)))


def _deep(dice: Dice, _numbers: Numbers) -> Hostile:
    depth = dice.choice([10_000, 100_000])
    texts = b"[" * depth, b"[" * depth + b"]" * depth, b'{"a":' * depth, b"9" * 5000, b"NaN", b'{"a": -Infinity}'
    return _unreadable(dice.choice(texts))


def _no_message(dice: Dice, _numbers: Numbers) -> Hostile:
    value = dice.choice([[], [{"jsonrpc": "2.0", "id": 1, "method": "shutdown"}], 1, "x", None, True, 1e300, {}])
    return Hostile(json.dumps(value).encode(), frozenset({INVALID_REQUEST}))


def _wrong_version(dice: Dice, numbers: Numbers) -> Hostile:
    number = numbers.next()
    message = {"id": number, "method": "midspan/status"}
    if dice.random() < 0.7:
        message["jsonrpc"] = dice.choice(["1.0", 2.0, "2", None, [], {}])
    return Hostile(json.dumps(message).encode(), frozenset({INVALID_REQUEST}), number)


def _wrong_id(dice: Dice, _numbers: Numbers) -> Hostile:
    number = dice.choice([None, True, False, 1.5, 1e300, [], [1], {}, {"id": 1}])
    method = dice.choice(["midspan/status", "textDocument/didOpen", "unknown", "exit", "$/cancelRequest"])
    return Hostile(body({"id": number, "method": method, "params": {}}), frozenset({INVALID_REQUEST}))


def _wrong_method(dice: Dice, numbers: Numbers) -> Hostile:
    method = dice.choice([None, 1, True, [], ["shutdown"], {}, 1.5])
    number = numbers.next() if dice.random() < 0.5 else None
    message = {"method": method} | ({} if number is None else {"id": number})
    return Hostile(body(message), frozenset({INVALID_REQUEST}), number)


def _unreadable(text: bytes) -> Hostile:
    return Hostile(text, frozenset({PARSE_ERROR}))
