"""Messages that are too long: texts, names, lists, settings, and bodies past the limit."""

from tests.lsp_server.rpc.hostile.message import (
    INVALID_PARAMS,
    PARSE_ERROR,
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
from tests.lsp_server.rpc.hostile.wrong_places import URIS

URI = "file:///hostile/large.py"


def messages(dice: Dice, numbers: Numbers) -> Messages:
    kinds = _open, _many_changes, _long_names, _many_settings, _many_folders, _many_messages, _long_question
    yield Hostile(b"x" * (64 * 1024**2 + 1), frozenset({PARSE_ERROR}))
    while True:
        yield dice.choice(kinds)(dice, numbers)


def _open(dice: Dice, _numbers: Numbers) -> Hostile:
    text = dice.choice(["x" * 5_000_000, "x = 1\n" * 100_000, "😀" * 500_000, "\n" * 1_000_000])
    item = {"uri": URI, "languageId": "python", "version": 1, "text": text}
    return notification("textDocument/didOpen", {"textDocument": item})


def _many_changes(dice: Dice, _numbers: Numbers) -> Hostile:
    place = {"line": dice.choice([0, 50_000]), "character": 0}
    changes = [{"range": {"start": place, "end": place}, "text": "y"}] * 5_000
    params = {"textDocument": {"uri": URI, "version": 2}, "contentChanges": changes}
    return notification("textDocument/didChange", params)


def _long_names(dice: Dice, numbers: Numbers) -> Hostile:
    long = dice.choice(["x", "\ud800", "é"]) * 1_000_000
    number = numbers.next()
    chosen: Hostile = dice.choice(
        [
            request(long, None, number, UNKNOWN_METHOD),
            request("midspan/document", {"textDocument": {"uri": f"file:///{long}"}}, number, RESULT),
            request("workspace/executeCommand", {"command": long}, number, INVALID_PARAMS),
            request("midspan/chat", {"messages": [{"role": long, "content": ""}]}, number, INVALID_PARAMS),
        ]
    )
    return chosen


def _many_settings(_dice: Dice, _numbers: Numbers) -> Hostile:
    settings = {f"setting{number}": number for number in range(5_000)}
    return notification("workspace/didChangeConfiguration", {"settings": {"midspan": settings}})


def _many_folders(dice: Dice, _numbers: Numbers) -> Hostile:
    folders = [{"uri": f"file:///nowhere/{number}", "name": "x"} for number in range(200)]
    folders += [{"uri": uri, "name": "x"} for uri in URIS]
    added, removed = (folders, []) if dice.random() < 0.5 else ([], folders)
    return notification("workspace/didChangeWorkspaceFolders", {"event": {"added": added, "removed": removed}})


def _many_messages(_dice: Dice, numbers: Numbers) -> Hostile:
    messages = [{"role": "user", "content": "Why?"}] * 10_000
    return request("midspan/chat", {"messages": messages}, numbers.next(), RESULT, REQUEST_FAILED)


def _long_question(_dice: Dice, numbers: Numbers) -> Hostile:
    messages = [{"role": "user", "content": "x" * 2_000_000}]
    return request("midspan/chat", {"messages": messages}, numbers.next(), REQUEST_FAILED)
