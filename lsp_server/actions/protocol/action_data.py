"""The data that an action carries through the client, which may have changed them, until it is resolved."""

from dataclasses import dataclass
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from lsp_server.actions.protocol.kinds import ALL_KINDS
from lsp_server.rpc.json_values import parse_range, whole_number

_WRONG = "The data of the action are wrong: send back what textDocument/codeAction gave."


@dataclass(frozen=True)
class ActionData:
    """The place and kind of an action. Without a version, the action is about the document as it is now.

    `detail` tells actions of one kind at one place apart: the statement to import, the diagnostic to fix.
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
    if not isinstance(uri, str) or kind not in ALL_KINDS or not isinstance(detail, str):
        raise JsonRpcInvalidParams(_WRONG)
    return ActionData(uri, whole_number(value.get("version")), str(kind), parse_range(value.get("range")), detail)
