"""The parameters of midspan/chat."""

from dataclasses import dataclass

from lsprotocol import types

from inference.api import Role
from lsp_server.rpc.converter import WrongValueError


@dataclass(frozen=True)
class Reference:
    """A file, or the lines of it that a range touches."""

    uri: str
    range: types.Range | None = None


@dataclass(frozen=True)
class ChatMessage:
    """`references` stand before `content`."""

    role: Role
    content: str
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True)
class ChatParams:
    """The conversation so far; `text_document` is the document that the user looks at, `selection` is in that.

    Each piece of the answer is told to `partial_result_token`, and the progress until the first one to
    `work_done_token`. With `keep`, the conversation is kept with its answer, to be shown again.
    """

    messages: tuple[ChatMessage, ...] = ()
    partial_result_token: types.ProgressToken | None = None
    text_document: types.TextDocumentIdentifier | None = None
    selection: types.Range | None = None
    work_done_token: types.ProgressToken | None = None
    keep: bool = False

    def __post_init__(self) -> None:
        if not self.messages or self.messages[-1].role != "user":
            raise WrongValueError("a list that ends with a message of the user", ".messages")
