"""From changes of a text to the edit that the editor applies: in its units, and in the form that it knows."""

from collections.abc import Sequence
from dataclasses import dataclass

from lsprotocol import types

from context.document import Document
from lsp_server.actions.hidden_characters import refuse_hidden
from lsp_server.positions import position_of

_ANNOTATION = "midspan"


@dataclass(frozen=True)
class Change:
    """Of what stands from `start` to `end`."""

    start: int
    end: int
    new_text: str


@dataclass(frozen=True)
class Label:
    """What the user is told of an edit; with a doubt it is shown before it is applied, where the editor can."""

    title: str
    doubt: str = ""


class Edits:
    """Makes edits for one client."""

    def __init__(self, capabilities: types.ClientCapabilities, encoding: types.PositionEncodingKind) -> None:
        workspace = capabilities.workspace
        known = workspace.workspace_edit if workspace is not None else None
        self._encoding = encoding
        self._has_versions = known is not None and known.document_changes is True
        self.has_annotations = self._has_versions and known is not None and known.change_annotation_support is not None
        operations = known.resource_operations if known is not None else None
        self.creates_files = self._has_versions and types.ResourceOperationKind.Create in (operations or ())

    def of_document(self, uri: str, document: Document, changes: Sequence[Change], label: Label) -> types.WorkspaceEdit:
        """Raises DocumentError when a change would put hidden characters into the text."""
        edits = [self._text_edit(document, change) for change in changes]
        if not self._has_versions:
            return types.WorkspaceEdit(changes={uri: edits})
        identifier = types.OptionalVersionedTextDocumentIdentifier(uri, document.version)
        return self._annotated([types.TextDocumentEdit(identifier, self._labelled(edits))], label)

    def _text_edit(self, document: Document, change: Change) -> types.TextEdit:
        old = document.text[change.start : change.end]
        new = change.new_text
        refuse_hidden(new, old)
        if "\r\n" in document.text:
            new = new.replace("\r\n", "\n").replace("\n", "\r\n")
        start, end = (position_of(document, offset, self._encoding) for offset in (change.start, change.end))
        return types.TextEdit(types.Range(start, end), new)

    def _labelled(self, edits: Sequence[types.TextEdit]) -> list[types.TextEdit | types.AnnotatedTextEdit]:
        if not self.has_annotations:
            return list(edits)
        return [types.AnnotatedTextEdit(_ANNOTATION, edit.range, edit.new_text) for edit in edits]

    def _annotated(
        self, changes: "Sequence[types.TextDocumentEdit | types.CreateFile]", label: Label
    ) -> types.WorkspaceEdit:
        if not self.has_annotations:
            return types.WorkspaceEdit(document_changes=changes)
        annotation = types.ChangeAnnotation(
            f"Midspan: {label.title}", needs_confirmation=bool(label.doubt), description=label.doubt or None
        )
        return types.WorkspaceEdit(document_changes=changes, change_annotations={_ANNOTATION: annotation})
