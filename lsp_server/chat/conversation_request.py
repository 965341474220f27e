"""midspan/conversation: the conversation that is kept for a workspace, to show it again or to forget it."""

from dataclasses import dataclass
from typing import Any, Literal

from lsprotocol import types

from lsp_server.chat.chat_feature import ChatFeature
from lsp_server.chat.question_place import place_uri


@dataclass(frozen=True)
class ConversationParams:
    """`text_document` tells which workspace is meant; without one it is the first."""

    action: Literal["get", "clear"] = "get"
    text_document: types.TextDocumentIdentifier | None = None


def register(feature: ChatFeature) -> None:
    """Add the request to the server."""
    feature.server.protocol.announced["conversation"] = True

    @feature.server.feature("midspan/conversation")
    def conversation(params: ConversationParams) -> dict[str, Any]:
        # Not in a thread: an editor that clears and ends at once would cancel that before it begins.
        workspace = feature.session.workspaces.of(place_uri(feature.session, params.text_document)).workspace
        if workspace is None:
            return {"messages": []}
        if params.action == "clear":
            feature.conversations.clear(workspace.root)
        return {"messages": feature.conversations.read(workspace.root)}
