"""Documents and edits of the right types, with surrogates, places that do not exist, and ranges that run backwards."""

from typing import Any

from tests.lsp_server.rpc.hostile.message import (
    REQUEST_FAILED,
    RESULT,
    Dice,
    Hostile,
    Messages,
    Numbers,
    notification,
    request,
)

URIS = (
    "file:///hostile/c.py", "file:///hostile/%00.py", "file:///hostile/%ff%fe.py", "untitled:Untitled-1",
    "file:///hostile/\ud83d.py", "file:", "file://server/share/d.py", "", "git:/hostile/e.py", "file:///hostile/..%2F..",
    "file:///" + "f" * 5000, "file:///hostile/\n\x1b[31m.py", "FILE:///hostile/g.py", "file:///etc/../etc/passwd",
)  # fmt: skip
TEXTS = (
    "", "x", "x = 1\ny = 2\n", "\r\r\n\n\r", "😀\n" * 20, "\ud800\n", "a\0b", "\u2028\x0c\x85\n", "\udcff", "​",
    "x" * 10_000, "\n" * 3_000, "e\u0301\n", "<｜fim▁hole｜><|fim_middle|>\n",
)  # fmt: skip
LINES = 0, 0, 1, 2, 7, 2**31 - 1
COLUMNS = 0, 0, 1, 2, 3, 2**31 - 1


def messages(dice: Dice, numbers: Numbers) -> Messages:
    version = 1
    kinds = _open, _change, _change, _change, _whole, _close, _complete, _document, _refer
    while True:
        version = dice.choice([version + 1, version, 0, 2**31 - 1, version - 5]) % 2**31
        yield dice.choice(kinds)(dice, numbers, dice.choice(URIS), version)


def _open(dice: Dice, _numbers: Numbers, uri: str, version: int) -> Hostile:
    language = dice.choice(["python", "", "no language", "\ud800"])
    item = {"uri": uri, "languageId": language, "version": version, "text": dice.choice(TEXTS)}
    return notification("textDocument/didOpen", {"textDocument": item})


def _change(dice: Dice, _numbers: Numbers, uri: str, version: int) -> Hostile:
    changes: list[dict[str, Any]] = [
        {"range": {"start": _place(dice), "end": _place(dice)}, "text": dice.choice(TEXTS)}
        for _ in range(dice.choice([0, 1, 1, 2, 20]))
    ]
    if dice.random() < 0.3:
        changes.insert(dice.randrange(len(changes) + 1), {"text": dice.choice(TEXTS)})
    return _changed(uri, version, changes)


def _whole(dice: Dice, _numbers: Numbers, uri: str, version: int) -> Hostile:
    return _changed(uri, version, [{"text": dice.choice(TEXTS)}])


def _close(_dice: Dice, _numbers: Numbers, uri: str, _version: int) -> Hostile:
    return notification("textDocument/didClose", {"textDocument": {"uri": uri}})


def _complete(dice: Dice, numbers: Numbers, uri: str, _version: int) -> Hostile:
    context = {"triggerKind": dice.choice([1, 2]), "selectedCompletionInfo": dice.choice([None, _selected(dice)])}
    params = {"textDocument": {"uri": uri}, "position": _place(dice), "context": context}
    return request("textDocument/inlineCompletion", params, numbers.next(), RESULT, REQUEST_FAILED)


def _document(_dice: Dice, numbers: Numbers, uri: str, _version: int) -> Hostile:
    return request("midspan/document", {"textDocument": {"uri": uri}}, numbers.next(), RESULT)


def _refer(dice: Dice, numbers: Numbers, uri: str, _version: int) -> Hostile:
    reference = {"uri": uri, "range": {"start": _place(dice), "end": _place(dice)}}
    message = {"role": "user", "content": dice.choice(TEXTS), "references": [reference]}
    return request("midspan/chat", {"messages": [message]}, numbers.next(), RESULT, REQUEST_FAILED)


def _selected(dice: Dice) -> dict[str, Any]:
    return {"range": {"start": _place(dice), "end": _place(dice)}, "text": dice.choice(TEXTS)}


def _place(dice: Dice) -> dict[str, int]:
    return {"line": dice.choice(LINES), "character": dice.choice(COLUMNS)}


def _changed(uri: str, version: int, changes: list[dict[str, Any]]) -> Hostile:
    identifier = {"uri": uri, "version": version}
    return notification("textDocument/didChange", {"textDocument": identifier, "contentChanges": changes})
