"""The change of a document that writes an import."""

from dataclasses import dataclass

from context.documents.document import Document
from context.syntax.tree import tree_of


@dataclass(frozen=True)
class ImportText:
    """`text` in place of the characters from `start` up to `end`."""

    start: int
    end: int
    text: str


def is_in_text(document: Document, offset: int) -> bool:
    """Return whether a place is in a string or a comment; False where the document is not parsed."""
    tree = tree_of(document)
    kinds = [node.type for node, _ in tree.path(offset, offset + 1)] if tree is not None else []
    return any("string" in kind or "comment" in kind for kind in kinds)
