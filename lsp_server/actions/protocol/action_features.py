"""The features of one connection that actions use."""

from dataclasses import dataclass

from lsp_server.chat.chat_feature import ChatFeature
from lsp_server.completion.completion_feature import CompletionFeature
from lsp_server.server.server import MidspanServer
from lsp_server.server.session import Session


@dataclass(frozen=True)
class ActionFeatures:
    """The completion model fills holes, the chat model rewrites and answers."""

    server: MidspanServer
    completion: CompletionFeature
    chat: ChatFeature

    @property
    def session(self) -> Session:
        """The session of the connection."""
        return self.server.session
