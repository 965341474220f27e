"""Workspace edits: changes of a text in the client's position units, and in a form that the client knows."""

from collections.abc import Sequence
from dataclasses import dataclass

from lsprotocol import types

from context.documents.document import Document
from lsp_server.completion.postprocess.unseen_characters import unseen_characters
from lsp_server.rpc.positions import position_of
from midspan import DocumentError

_ANNOTATION = "midspan"


@dataclass(frozen=True)
class Change:
    """A replacement of the text from `start` to `end`, which are offsets."""

    start: int
    end: int
    new_text: str


@dataclass(frozen=True)
class EditLabel:
    """The title of an edit, and a warning that asks the user to check it; "" for none.

    An editor that can shows an edit with a warning before it applies it.
    """

    title: str
    warning: str = ""


class EditBuilder:
    """Builds the edits of one client, by its capabilities."""

    def __init__(self, capabilities: types.ClientCapabilities, encoding: types.PositionEncodingKind) -> None:
        workspace = capabilities.workspace
        known = workspace.workspace_edit if workspace is not None else None
        self._encoding = encoding
        self._has_versions = known is not None and known.document_changes is True
        self.has_annotations = self._has_versions and known is not None and known.change_annotation_support is not None
        operations = known.resource_operations if known is not None else None
        self.creates_files = self._has_versions and types.ResourceOperationKind.Create in (operations or ())

    def document_edit(
        self, uri: str, document: Document, changes: Sequence[Change], label: EditLabel, *, is_open: bool = True
    ) -> types.WorkspaceEdit:
        """Build an edit of a document of the editor, or of the disk: a file that is not open has no version.

        Raises DocumentError when a change holds invisible characters.
        """
        edits = [self._text_edit(document, change) for change in changes]
        if not self._has_versions:
            return types.WorkspaceEdit(changes={uri: edits})
        identifier = types.OptionalVersionedTextDocumentIdentifier(uri, document.version if is_open else None)
        return self._with_annotation([types.TextDocumentEdit(identifier, self._text_edits(edits))], label)

    def new_file_edit(self, uri: str, text: str, label: EditLabel) -> types.WorkspaceEdit:
        """Build an edit that creates a file and never overwrites one. Raises DocumentError as `document_edit` does."""
        _refuse_invisible(text, "")
        start = types.Position(0, 0)
        edits = [types.TextEdit(types.Range(start, start), text)]
        if not self.creates_files:
            return types.WorkspaceEdit(changes={uri: edits})
        annotation = _ANNOTATION if self.has_annotations else None
        make = types.CreateFile(uri, options=types.CreateFileOptions(overwrite=False), annotation_id=annotation)
        identifier = types.OptionalVersionedTextDocumentIdentifier(uri, None)
        return self._with_annotation([make, types.TextDocumentEdit(identifier, self._text_edits(edits))], label)

    def range_of(self, document: Document, start: int, end: int) -> types.Range:
        """Return the LSP range of two offsets, in the client's position units."""
        return types.Range(*(position_of(document, offset, self._encoding) for offset in (start, end)))

    def _text_edit(self, document: Document, change: Change) -> types.TextEdit:
        old = document.text[change.start : change.end]
        new = change.new_text
        _refuse_invisible(new, old)
        if "\r\n" in document.text:
            new = new.replace("\r\n", "\n").replace("\n", "\r\n")
        return types.TextEdit(self.range_of(document, change.start, change.end), new)

    def _text_edits(self, edits: Sequence[types.TextEdit]) -> list[types.TextEdit | types.AnnotatedTextEdit]:
        if not self.has_annotations:
            return list(edits)
        return [types.AnnotatedTextEdit(_ANNOTATION, edit.range, edit.new_text) for edit in edits]

    def _with_annotation(
        self, changes: "Sequence[types.TextDocumentEdit | types.CreateFile]", label: EditLabel
    ) -> types.WorkspaceEdit:
        if not self.has_annotations:
            return types.WorkspaceEdit(document_changes=changes)
        annotation = types.ChangeAnnotation(
            f"Midspan: {label.title}", needs_confirmation=bool(label.warning), description=label.warning or None
        )
        return types.WorkspaceEdit(document_changes=changes, change_annotations={_ANNOTATION: annotation})


def _refuse_invisible(new_text: str, old_text: str) -> None:
    if names := unseen_characters(new_text.replace("\r\n", "\n"), old_text):
        raise DocumentError(f"Nothing is changed: the model wrote invisible characters ({', '.join(names)}).")
