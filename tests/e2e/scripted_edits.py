"""Next edits that a test writes, in place of the server's own.

FOLDER/next_edits.json lists them, as `Planned`. An edit that was accepted or dismissed is taken from the list. What the
client tells the server about next edits is appended to FOLDER/told.jsonl.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lsp_server.server.server import MidspanServer
from midspan import DocumentError

# Two files for the server's own rules: a function and its uses.
SHOP = """\
def add_up(prices):
    return sum(prices)


def pay(prices):
    print(add_up(prices))
    return add_up(prices)
"""
TILL = """\
from shop import add_up


def close(prices):
    return add_up(prices) * 2
"""

NAMES = ("midspan/nextEdit", "textDocument/didShowInlineEdit", "textDocument/didFocus")
ACCEPT, DISMISS = "midspan.acceptNextEdit", "midspan.dismissNextEdit"


@dataclass(frozen=True)
class Planned:
    """An edit of a file of the folder: the lines and columns of its beginning and end, and its new text.

    The columns are in the client's unit.
    """

    file: str
    place: tuple[int, int, int, int]
    text: str


def plan_edits(folder: Path, *edits: Planned) -> None:
    """Have the server answer with these edits from now on."""
    _write(folder, edits)
    (folder / "told.jsonl").write_text("")


def told(folder: Path) -> list[list[Any]]:
    """Return what the client has told the server: names and parameters, in their order."""
    return [json.loads(line) for line in (folder / "told.jsonl").read_text().splitlines()]


def script(server: MidspanServer, folder: Path) -> None:
    """Have the server answer as planned."""
    features, commands = server.protocol.fm.features, server.protocol.fm.commands
    for name in NAMES:
        features.pop(name, None)
    for name in (ACCEPT, DISMISS):
        commands.pop(name, None)

    def note(name: str, params: Any) -> None:
        with (folder / "told.jsonl").open("a") as file:
            file.write(json.dumps([name, params], default=_plain) + "\n")

    def take(name: str, edit: dict[str, Any]) -> None:
        _write(folder, [planned for planned in _planned(folder) if planned != _planned_of(edit)])
        note(name, edit["text"])

    server.protocol.experimental["nextEdit"] = True

    @server.feature(NAMES[0])
    def next_edit(params: Any) -> dict[str, Any]:
        note(NAMES[0], params)
        return {"edits": [_wire(server, folder, edit) for edit in _planned(folder)]}

    @server.feature(NAMES[1])
    def did_show(params: Any) -> None:
        note(NAMES[1], params)

    @server.feature(NAMES[2])
    def did_focus(params: Any) -> None:
        note(NAMES[2], params)

    @server.command(ACCEPT)
    def accept(edit: dict[str, Any]) -> None:
        take(ACCEPT, edit)

    @server.command(DISMISS)
    def dismiss(edit: dict[str, Any]) -> None:
        take(DISMISS, edit)


def _write(folder: Path, edits: Sequence[Planned]) -> None:
    new = folder / f"next_edits.{os.getpid()}"
    new.write_text(json.dumps([asdict(edit) for edit in edits]))
    new.replace(folder / "next_edits.json")  # the other process never reads half of it


def _planned(folder: Path) -> list[Planned]:
    path = folder / "next_edits.json"
    listed: Sequence[Any] = json.loads(path.read_text()) if path.exists() else []
    return [_planned_of(each) for each in listed]


def _planned_of(said: Any) -> Planned:
    return Planned(said["file"], tuple(said["place"]), said["text"])


def _wire(server: MidspanServer, folder: Path, edit: Planned) -> dict[str, Any]:
    uri = (folder / edit.file).as_uri()
    try:
        version = server.session.documents.document(uri).version
    except DocumentError:
        version = None
    line, character, end_line, end_character = edit.place
    start, end = {"line": line, "character": character}, {"line": end_line, "character": end_character}
    return {
        "text": edit.text,
        "why": "planned",
        "textDocument": {"uri": uri, "version": version},
        "range": {"start": start, "end": end},
        "command": {"title": "Accept", "command": ACCEPT, "arguments": [asdict(edit)]},
    }


def _plain(value: Any) -> Any:
    return value._asdict() if hasattr(value, "_asdict") else vars(value)
