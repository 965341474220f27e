"""From changes of a text to the edit that the editor applies: in its units, and in the form that it knows."""

from collections.abc import Sequence
from dataclasses import dataclass

from lsprotocol import types

from context.documents.document import Document
from lsp_server.completion.postprocess.invisible import unseen_characters
from lsp_server.rpc.positions import position_of
from midspan import DocumentError

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

    def of_new_file(self, uri: str, text: str, label: Label) -> types.WorkspaceEdit:
        """Of a file that is not there: it is made, and never written over. Raises DocumentError as above."""
        _refuse_unseen(text, "")
        start = types.Position(0, 0)
        edits = [types.TextEdit(types.Range(start, start), text)]
        if not self.creates_files:
            return types.WorkspaceEdit(changes={uri: edits})
        annotation = _ANNOTATION if self.has_annotations else None
        make = types.CreateFile(uri, options=types.CreateFileOptions(overwrite=False), annotation_id=annotation)
        identifier = types.OptionalVersionedTextDocumentIdentifier(uri, None)
        return self._annotated([make, types.TextDocumentEdit(identifier, self._labelled(edits))], label)

    def range_of(self, document: Document, start: int, end: int) -> types.Range:
        """In the client's units."""
        return types.Range(*(position_of(document, offset, self._encoding) for offset in (start, end)))

    def _text_edit(self, document: Document, change: Change) -> types.TextEdit:
        old = document.text[change.start : change.end]
        new = change.new_text
        _refuse_unseen(new, old)
        if "\r\n" in document.text:
            new = new.replace("\r\n", "\n").replace("\n", "\r\n")
        return types.TextEdit(self.range_of(document, change.start, change.end), new)

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


def _refuse_unseen(new_text: str, old_text: str) -> None:
    if names := unseen_characters(new_text.replace("\r\n", "\n"), old_text):
        raise DocumentError(f"Nothing is changed: the model wrote characters that are not seen ({', '.join(names)}).")
