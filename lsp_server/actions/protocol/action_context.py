"""The context of a running action: its place in the document, its progress and its edits."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from lsprotocol import types
from pygls.exceptions import JsonRpcContentModified

from context.documents.document import Document
from lsp_server.actions.protocol.action_data import ActionData
from lsp_server.actions.protocol.action_features import ActionFeatures
from lsp_server.actions.protocol.draft_progress import OnText, ProgressTokens, draft_progress
from lsp_server.actions.protocol.workspace_edit import Change, EditBuilder, EditLabel
from lsp_server.rpc.positions import offsets_of
from lsp_server.server.server import MidspanServer
from lsp_server.server.session import Session
from lsp_server.telemetry.record import Record


@dataclass(frozen=True)
class ActionContext:
    """A running action on `start` to `end`, offsets in the document as it was when the action began.

    `detail` is that of ActionData; `report` shows the user each piece of the model's text.
    """

    features: ActionFeatures
    uri: str
    document: Document
    start: int
    end: int
    detail: str
    report: OnText
    record: Record

    @property
    def server(self) -> MidspanServer:
        return self.features.server

    @property
    def session(self) -> Session:
        return self.features.session

    @property
    def edit_builder(self) -> EditBuilder:
        return EditBuilder(self.server.client_capabilities, self.session.encoding)

    def on_text(self, text: str) -> None:
        """Report a piece of the model's text. Raises ContentModified when the document has changed."""
        current_document(self.server, self.uri, self.document.version)
        if text:
            self.report(text)

    def make_edit(self, changes: Sequence[Change], label: EditLabel) -> types.WorkspaceEdit:
        """Return an edit, and show its warning if the client cannot ask for confirmation. Raises DocumentError."""
        edit = self.edit_builder.document_edit(self.uri, self.document, changes, label)
        characters = sum(len(change.new_text) for change in changes)
        self.record.shows(characters, label.warning)
        if label.warning and not self.edit_builder.has_annotations:
            message = f"{label.title}: {label.warning}. Check the edit before you keep it."
            self.server.show(types.MessageType.Warning, message)
        return edit


@asynccontextmanager
async def start_action(
    features: ActionFeatures, data: ActionData, title: str, tokens: ProgressTokens
) -> AsyncIterator[ActionContext]:
    """Run one action. Raises MidspanError, or ContentModified when the document changes meanwhile."""
    server, session = features.server, features.session
    server.follow_settings()
    record = Record(data.kind, explicit=True, position=(data.range.start.line, data.range.start.character))
    with session.recorded(record):
        document = current_document(server, data.uri, data.version)
        record.is_about(document)
        start, end = offsets_of(document, data.range, session.encoding)
        async with draft_progress(server, title, tokens) as report:
            yield ActionContext(features, data.uri, document, start, max(start, end), data.detail, report, record)
        current_document(server, data.uri, document.version)


def current_document(server: MidspanServer, uri: str, version: int | None) -> Document:
    """Return the document if its version is this one, or None is given. Raises ContentModified or DocumentError."""
    document = server.session.documents.document(uri)
    if version is not None and document.version != version:
        raise JsonRpcContentModified(
            f"Nothing is changed: {document.path} was edited since the action was offered. Ask for it again."
        )
    return document
