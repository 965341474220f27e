"""What an action carries from where it is offered to where it is resolved. The client may have changed it."""

from dataclasses import dataclass
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from lsp_server.actions.protocol.kinds import ALL
from lsp_server.rpc.json_values import parse_range, whole_number

_WRONG = "The data of the action are wrong: send back what textDocument/codeAction gave."


@dataclass(frozen=True)
class ActionData:
    """`detail` tells apart actions of one kind at one place: what to import, which message to fix.

    Without a version, the document as it is now is meant.
    """

    uri: str
    version: int | None
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
