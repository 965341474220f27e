"""What an action carries from where it is offered to where it is resolved. The client may have changed it."""

from dataclasses import dataclass
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from lsp_server.actions.kinds import ALL

_WRONG = "The data of the action are wrong: send back what textDocument/codeAction gave."
_MAX = 2**31


@dataclass(frozen=True)
class ActionData:
    """`detail` tells apart actions of one kind at one place: what to import, which message to fix."""

    uri: str
    version: int
    kind: str
    range: types.Range
    detail: str = ""

    def to_json(self) -> dict[str, Any]:
        ends = {end: getattr(self.range, end) for end in ("start", "end")}
        place = {end: {"line": at.line, "character": at.character} for end, at in ends.items()}
        return {
            "uri": self.uri,
            "version": self.version,
            "kind": self.kind,
            "range": place,
            "detail": self.detail,
        }


def parse_data(value: Any) -> ActionData:
    """Raises JsonRpcInvalidParams."""
    if not isinstance(value, dict):
        raise JsonRpcInvalidParams(_WRONG)
    uri, kind, detail = value.get("uri"), value.get("kind"), value.get("detail", "")
    if not isinstance(uri, str) or kind not in ALL or not isinstance(detail, str):
        raise JsonRpcInvalidParams(_WRONG)
    return ActionData(uri, whole_number(value.get("version")), str(kind), parse_range(value.get("range")), detail)


def parse_range(value: Any) -> types.Range:
    """From JSON. Raises JsonRpcInvalidParams."""
    ends = [value.get(end) if isinstance(value, dict) else None for end in ("start", "end")]
    places = [
        types.Position(whole_number(end.get("line")), whole_number(end.get("character")))
        for end in ends
        if isinstance(end, dict)
    ]
    if len(places) != 2:
        raise JsonRpcInvalidParams("A range has a start and an end, each with a line and a character.")
    return types.Range(*places)


def whole_number(value: Any) -> int:
    """Of JSON, from 0. Raises JsonRpcInvalidParams."""
    if type(value) is not int or not 0 <= value < _MAX:
        raise JsonRpcInvalidParams(f"A whole number from 0 is wanted, not {str(value)[:40]!r}.")
    return value
