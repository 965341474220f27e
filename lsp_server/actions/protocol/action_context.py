"""The context of a running action: its place in the document, its progress and its edits."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from lsprotocol import types
from pygls.exceptions import JsonRpcContentModified

from context.documents.document import Document
from context.secrets.masking import Masked, find_placeholders, mask_document
from lsp_server.actions.protocol.action_data import ActionData
from lsp_server.actions.protocol.action_features import ActionFeatures
from lsp_server.actions.protocol.draft_progress import OnText, ProgressTokens, draft_progress
from lsp_server.actions.protocol.workspace_edit import Change, EditBuilder, EditLabel
from lsp_server.rpc.positions import offsets_of
from lsp_server.server.server import MidspanServer
from lsp_server.server.session import Session
from lsp_server.telemetry.record import Record
from midspan import DocumentError


@dataclass(frozen=True)
class ActionContext:
    """A running action on `start` to `end`, offsets in the document as it was when the action began.

    All that an action reads is of `document`, in which placeholders stand for secrets; `original` has the secrets, and
    gives the positions of edits. `detail` is that of ActionData; `report` shows the user each piece of the model's
    text.
    """

    features: ActionFeatures
    uri: str
    original: Document
    masked: Masked
    start: int
    end: int
    detail: str
    report: OnText
    record: Record

    @property
    def document(self) -> Document:
        return self.masked.document

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
        require_unchanged(self.server, self.uri, self.original)
        if text:
            self.report(self.masked.restore(text))

    def make_edit(self, changes: Sequence[Change], label: EditLabel) -> types.WorkspaceEdit:
        """Return an edit, and show its warning if the client cannot ask for confirmation. Raises DocumentError."""
        changes = [replace(change, new_text=with_secrets(change.new_text, self.masked)) for change in changes]
        edit = self.edit_builder.document_edit(self.uri, self.original, changes, label)
        characters = sum(len(change.new_text) for change in changes)
        self.record.shows(characters, label.warning)
        self.show_warning(label)
        return edit

    def show_warning(self, label: EditLabel) -> None:
        """Show the warning against an edit if the client cannot ask for confirmation."""
        if label.warning and not self.edit_builder.has_annotations:
            message = f"{label.title}: {label.warning}. Check the edit before you keep it."
            self.server.show(types.MessageType.Warning, message)


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
            masked = await asyncio.to_thread(mask_document, document)
            place = (start, max(start, end))
            yield ActionContext(features, data.uri, document, masked, *place, data.detail, report, record)
        require_unchanged(server, data.uri, document)


def with_secrets(text: str, masked: Masked) -> str:
    """Return a text that a model wrote for a document, with the document's secrets in place of their placeholders.

    Raises DocumentError when the text holds the placeholder of a secret that the document does not have.
    """
    text = masked.restore(text)
    if find_placeholders(text):
        raise DocumentError(
            f"Nothing is changed: the model wrote the placeholder of a secret that is not in {masked.document.path}. "
            "Write the place of the secret by hand."
        )
    return text


def current_document(server: MidspanServer, uri: str, version: int | None) -> Document:
    """Return the document if its version is this one, or None is given. Raises ContentModified or DocumentError."""
    document = server.session.documents.document(uri)
    if version is not None and document.version != version:
        raise _modified(document)
    return document


def require_unchanged(server: MidspanServer, uri: str, document: Document) -> None:
    """Raise ContentModified or DocumentError unless the editor has the document as it was then."""
    now = current_document(server, uri, document.version)
    # Emacs counts versions anew when it reads a file again.
    if now.opening != document.opening and now.text != document.text:
        raise _modified(document)


def _modified(document: Document) -> JsonRpcContentModified:
    return JsonRpcContentModified(
        f"Nothing is changed: {document.path} was edited since the action was offered. Ask for it again."
    )
