"""Requests and notifications with a parameter that is missing or has a wrong type."""

from typing import Any

from tests.lsp_server.rpc.hostile.message import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    REQUEST_FAILED,
    RESULT,
    UNKNOWN_METHOD,
    Dice,
    Hostile,
    Messages,
    Numbers,
    notification,
    request,
)

URI = "file:///hostile/a.py"
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**31, 2**63, 10**400, 1.5, 1e308, "", "x", "\ud800", "\0", "x" * 5000, [], [[]], [None] * 50,
    {}, {"": ""}, {"__class__": 1, "_fields": 2, "def": 3}, {"type_name": "x y"}, {"uri": "\0"}, {"line": {}},
)  # fmt: skip
REQUESTS: dict[str, Any] = {
    "textDocument/inlineCompletion": {
        "textDocument": {"uri": URI},
        "position": {"line": 0, "character": 0},
        "context": {"triggerKind": 1},
    },
    "midspan/chat": {
        "messages": [{"role": "user", "content": "Why?", "references": [{"uri": URI}]}],
        "partialResultToken": "t",
    },
    "midspan/chatReferences": {"query": "a", "textDocument": {"uri": URI}},
    "midspan/conversation": {"action": "get", "textDocument": {"uri": URI}},
    "midspan/nextEdit": {
        "textDocument": {"uri": URI},
        "position": {"line": 0, "character": 0},
        "context": {
            "triggerKind": 1,
            "diagnostics": [
                {
                    "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}},
                    "message": "m",
                    "tags": [1],
                    "relatedInformation": [
                        {
                            "location": {
                                "uri": URI,
                                "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}},
                            },
                            "message": "m",
                        }
                    ],
                }
            ],
        },
    },
    "midspan/document": {"textDocument": {"uri": URI}},
    "workspace/executeCommand": {"command": "midspan.accepted", "arguments": [1]},
}
NOTIFICATIONS: dict[str, Any] = {
    "textDocument/didOpen": {"textDocument": {"uri": URI, "languageId": "python", "version": 1, "text": "x = 1\n"}},
    "textDocument/didChange": {
        "textDocument": {"uri": URI, "version": 2},
        "contentChanges": [
            {
                "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}},
                "text": "",
            }
        ],
    },
    "textDocument/didClose": {"textDocument": {"uri": "file:///hostile/b.py"}},
    "textDocument/didSave": {"textDocument": {"uri": URI}},
    "workspace/didChangeConfiguration": {"settings": {"midspan": {"completion": {"max_tokens": 5}}}},
    "workspace/didChangeWorkspaceFolders": {"event": {"added": [], "removed": [{"uri": "file:///x", "name": "x"}]}},
    "$/cancelRequest": {"id": 5},
    "$/setTrace": {"value": "off"},
    "window/workDoneProgress/cancel": {"token": "t"},
}


def messages(dice: Dice, numbers: Numbers) -> Messages:
    while True:
        if dice.random() < 0.5:
            yield _request(dice, numbers)
        else:
            method = dice.choice(list(NOTIFICATIONS))
            yield notification(method, _spoiled(NOTIFICATIONS[method], dice))


def _request(dice: Dice, numbers: Numbers) -> Hostile:
    method = dice.choice(list(REQUESTS))
    # The other parameters may still make an allowed request.
    codes = INVALID_PARAMS, REQUEST_FAILED, RESULT
    if dice.random() < 0.1:
        method, codes = dice.choice(list(NOTIFICATIONS)), (INVALID_REQUEST, UNKNOWN_METHOD, UNKNOWN_METHOD)
        return request(method, NOTIFICATIONS[method], numbers.next(), *codes)
    return request(method, _spoiled(REQUESTS[method], dice), numbers.next(), *codes)


def _spoiled(value: Any, dice: Dice) -> Any:
    """Return a copy in which one member is left out or has another value."""
    if not isinstance(value, dict | list) or not value or dice.random() < 0.15:
        return dice.choice(VALUES)
    if isinstance(value, list):
        place = dice.randrange(len(value))
        return [*value[:place], _spoiled(value[place], dice), *value[place + 1 :]]
    name = dice.choice(list(value))
    if dice.random() < 0.15:
        return {other: inner for other, inner in value.items() if other != name}
    return value | {name: _spoiled(value[name], dice)}
