"""The change of a document that writes an import."""

from dataclasses import dataclass

from context.documents.document import Document
from context.syntax.tree import leaf_before


@dataclass(frozen=True)
class ImportText:
    """`text` in place of the characters from `start` up to `end`."""

    start: int
    end: int
    text: str


def is_in_text(document: Document, offset: int) -> bool:
    """Return whether a place is in a string or a comment; False where the document is not parsed."""
    leaf = leaf_before(document, offset + 1)
    return leaf is not None and leaf.is_within("string", "comment")
