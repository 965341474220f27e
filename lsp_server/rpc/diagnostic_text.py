"""The text of a diagnostic, which LSP sends as a string or as marked-up content."""

from lsprotocol import types


def text_of(diagnostic: types.Diagnostic) -> str:
    """Return the message of a diagnostic as plain text."""
    return diagnostic.message if isinstance(diagnostic.message, str) else diagnostic.message.value
