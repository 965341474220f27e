"""An action that runs: where it was asked for, whom to tell, and what it may answer with."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from lsprotocol import types
from pygls.exceptions import JsonRpcContentModified

from context.documents.document import Document
from lsp_server.actions.protocol.action_data import ActionData
from lsp_server.actions.protocol.draft_progress import OnText, Tokens, draft_progress
from lsp_server.actions.protocol.workspace_edit import Change, Edits, Label
from lsp_server.rpc.positions import offsets_of
from lsp_server.server.server import MidspanServer
from lsp_server.server.session import Session
from lsp_server.telemetry.record import Record


@dataclass(frozen=True)
class ActionContext:
    """About what stands from `start` to `end` of the document as it was then. `detail` as in ActionData."""

    server: MidspanServer
    uri: str
    document: Document
    start: int
    end: int
    detail: str
    tell: OnText
    record: Record

    @property
    def session(self) -> Session:
        return self.server.session

    @property
    def edits(self) -> Edits:
        return Edits(self.server.client_capabilities, self.session.encoding)

    def on_text(self, text: str) -> None:
        """To be told each piece of what a model writes. Raises ContentModified once the document has moved on."""
        current_document(self.server, self.uri, self.document.version)
        if text:
            self.tell(text)

    def edit(self, changes: Sequence[Change], label: Label) -> types.WorkspaceEdit:
        """Of the document. A client that cannot ask for confirmation is told a doubt. Raises DocumentError."""
        edit = self.edits.of_document(self.uri, self.document, changes, label)
        characters = sum(len(change.new_text) for change in changes)
        self.record.shows(characters, f": {label.doubt}" if label.doubt else "")
        if label.doubt and not self.edits.has_annotations:
            warning = f"{label.title}: {label.doubt}. Look at it before you keep it."
            self.server.show(types.MessageType.Warning, warning)
        return edit


@asynccontextmanager
async def asking(server: MidspanServer, data: ActionData, title: str, tokens: Tokens) -> AsyncIterator[ActionContext]:
    """One action from its beginning to its end. Raises MidspanError, or ContentModified when the document moves on."""
    server.follow_settings()
    session = server.session
    record = Record(data.kind, explicit=True, position=(data.range.start.line, data.range.start.character))
    with session.recorded(record):
        document = current_document(server, data.uri, data.version)
        record.is_about(document)
        start, end = offsets_of(document, data.range, session.encoding)
        async with draft_progress(server, title, tokens) as tell:
            yield ActionContext(server, data.uri, document, start, max(start, end), data.detail, tell, record)
        current_document(server, data.uri, document.version)


def current_document(server: MidspanServer, uri: str, version: int | None) -> Document:
    """The document, if it is what it was at this version. Raises ContentModified, or DocumentError."""
    document = server.session.documents.document(uri)
    if version is not None and document.version != version:
        raise JsonRpcContentModified(
            f"Nothing is changed: {document.path} was edited since the action was offered. Ask for it again."
        )
    return document
