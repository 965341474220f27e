"""Tells whether a cursor stands in a secret, also in one that the user has begun to write."""

from context.documents.document import Document
from context.secrets.assignments import is_value_begun
from context.secrets.masking import Masked


def is_in_secret(masked: Masked, document: Document, offset: int) -> bool:
    """Return whether a completion at the offset would go on with a secret. `masked` is the masked document."""
    if masked.secret_at(offset) is not None:
        return True
    line, column = document.position_at(offset)
    return is_value_begun(document.lines[line][:column], document.path)
