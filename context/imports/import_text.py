"""The change of a document that writes an import."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ImportText:
    """`text` in place of the characters from `start` up to `end`."""

    start: int
    end: int
    text: str
