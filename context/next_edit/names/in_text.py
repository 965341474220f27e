"""The places that are in strings and comments."""

from context.documents.document import Document
from context.syntax.tree import tree_of

_TEXTS = ("string", "comment", "char_literal")


def is_in_text(document: Document, offset: int) -> bool:
    """Return whether the place is in a string or a comment."""
    return bool(text_at(document, offset))


def text_at(document: Document, offset: int) -> str:
    """Return what the place is in: a "string", a "comment", a "char_literal", or "" for code."""
    tree = tree_of(document)
    if tree is None or offset >= len(document.text):
        return ""
    kind = tree.at(offset, offset + 1).type
    return next((word for word in _TEXTS if word in kind), "")
