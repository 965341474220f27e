"""The places that are in strings and comments."""

from context.documents.document import Document
from context.syntax.tree import tree_of

_TEXTS = ("string", "comment", "char_literal")


def is_in_text(document: Document, offset: int) -> bool:
    """Return whether the place is in a string or a comment."""
    tree = tree_of(document)
    if tree is None or offset >= len(document.text):
        return False
    return any(word in tree.at(offset, offset + 1).type for word in _TEXTS)
