"""Next edits that a test writes, in place of the server's own.

FOLDER/next_edits.json has a plan: its number, and the edits, as `Planned`. An edit that was accepted or dismissed is
not offered again. What the client tells the server about next edits is appended to FOLDER/told-NUMBER.jsonl: late
messages about an earlier plan change nothing in this one.
"""

import json
import time
from contextlib import suppress
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
ASK = NAMES[0]
ACCEPT, DISMISS = "midspan.acceptNextEdit", "midspan.dismissNextEdit"


@dataclass(frozen=True)
class Planned:
    """An edit of a file of the folder: the lines and columns of its beginning and end, and its new text.

    The columns are in the client's unit. The edit is of the document's state `age` versions ago.
    """

    file: str
    place: tuple[int, int, int, int]
    text: str
    age: int = 0


def plan_edits(folder: Path, *edits: Planned) -> None:
    """Have the server answer with these edits from now on."""
    number = time.monotonic_ns()
    _told_file(folder, number).touch()
    new = folder / "next_edits.new"
    new.write_text(json.dumps([number, [asdict(edit) for edit in edits]]))
    new.replace(folder / "next_edits.json")  # the server never reads half of it


def told(folder: Path) -> list[list[Any]]:
    """Return what the client has told the server since the plan: names and parameters, in their order."""
    number, _ = _read_plan(folder)
    return [json.loads(line) for line in _told_file(folder, number).read_text().splitlines()]


def script(server: MidspanServer, folder: Path) -> None:
    """Have the server answer as planned."""
    features, commands = server.protocol.fm.features, server.protocol.fm.commands
    for name in NAMES:
        features.pop(name, None)
    for name in (ACCEPT, DISMISS):
        commands.pop(name, None)
    done: list[list[Any]] = []  # the number of the plan and the edit

    def note(name: str, params: Any, number: int | None = None) -> None:
        with _told_file(folder, number or _read_plan(folder)[0]).open("a") as file:
            file.write(json.dumps([name, params], default=_plain) + "\n")

    @server.feature(ASK)
    def next_edit(params: Any) -> dict[str, Any]:
        note(ASK, params)
        number, edits = _read_plan(folder)
        left = [edit for edit in edits if [number, edit] not in done]
        return {"edits": [_wire(server, folder, number, edit) for edit in left]}

    @server.feature(NAMES[1])
    def did_show(params: Any) -> None:
        note(NAMES[1], params)

    @server.feature(NAMES[2])
    def did_focus(params: Any) -> None:
        note(NAMES[2], params)

    @server.command(ACCEPT)
    def accept(number: int, edit: dict[str, Any]) -> None:
        done.append([number, edit])
        note(ACCEPT, edit["text"], number)

    @server.command(DISMISS)
    def dismiss(number: int, edit: dict[str, Any]) -> None:
        done.append([number, edit])
        note(DISMISS, edit["text"], number)


def _told_file(folder: Path, number: int) -> Path:
    return folder / f"told-{number}.jsonl"


def _read_plan(folder: Path) -> tuple[int, list[dict[str, Any]]]:
    number, edits = json.loads((folder / "next_edits.json").read_text())
    return number, edits


def _wire(server: MidspanServer, folder: Path, number: int, edit: dict[str, Any]) -> dict[str, Any]:
    uri = (folder / edit["file"]).as_uri()
    version: int | None = None
    with suppress(DocumentError):
        version = (server.session.documents.document(uri).version or 0) - edit["age"]
    line, character, end_line, end_character = edit["place"]
    start, end = {"line": line, "character": character}, {"line": end_line, "character": end_character}
    return {
        "text": edit["text"],
        "why": "planned",
        "textDocument": {"uri": uri, "version": version},
        "range": {"start": start, "end": end},
        "command": {"title": "Accept", "command": ACCEPT, "arguments": [number, edit]},
    }


def _plain(value: Any) -> Any:
    return value._asdict() if hasattr(value, "_asdict") else vars(value)
