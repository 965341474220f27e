"""The exception tree. The core raises these; only the edge (`lsp_server`) catches them.

A message names the thing that is wrong and says what to do about it, because the user reads it as it is.
"""

from midspan.visible_text import visible_text


class MidspanError(Exception):
    """The root: whatever Midspan refuses on purpose.

    A message often quotes a file, which anybody may have written: what would steer a terminal is replaced.
    """

    def __str__(self) -> str:
        return visible_text(super().__str__())


class DocumentError(MidspanError):
    """A file, a buffer or a position in one cannot be used."""


class ExcludedError(DocumentError):
    """A document is kept out of every prompt, by a rule or for its text. `why` is the reason in words."""

    def __init__(self, path: str, why: str, message: str | None = None) -> None:
        super().__init__(message or f"{path} is in no prompt: {why}.")
        self.why = why


class ModelError(MidspanError):
    """A model folder, its weights or its tokenizer cannot be used."""


class CapacityError(MidspanError):
    """A request needs more tokens or memory than there is."""


class SettingsError(MidspanError):
    """A setting has an unknown name or a value out of range."""
