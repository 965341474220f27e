"""A package as its reader found it, before any file is left out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Package:
    """A package as read: its name, version, licence in words, and files by path."""

    name: str
    version: str
    licence: str
    files: dict[str, bytes]
