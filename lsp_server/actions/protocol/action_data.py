"""The data that an action carries through the client, which may have changed them, until it is resolved."""

from dataclasses import dataclass
from typing import Any

from lsprotocol import types

from lsp_server.actions.protocol.kinds import ALL_KINDS
from lsp_server.rpc.converter import WrongValueError, strict_converter


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

    def __post_init__(self) -> None:
        if self.kind not in ALL_KINDS:
            raise WrongValueError("the kind of one of Midspan's actions", ".kind")

    def to_json(self) -> Any:
        return strict_converter().unstructure(self)
