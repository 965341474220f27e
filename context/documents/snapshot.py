"""The texts and the cursor that the user sees at one keystroke."""

from dataclasses import dataclass

from context.documents.document import Document


@dataclass(frozen=True)
class Snapshot:
    """The document, the cursor in it, and the other open buffers, the most recently used first.

    Raises DocumentError when the cursor is outside the document.
    """

    document: Document
    cursor: int
    open_documents: tuple[Document, ...] = ()

    def __post_init__(self) -> None:
        self.document.position_at(self.cursor)
