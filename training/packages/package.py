"""A package as its reader found it, before any file is left out."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Package:
    """A package as read: its name, version, licence in words, and files by path."""

    name: str
    version: str
    licence: str
    files: dict[str, bytes]


def allowed(package: Package | None, wanted: str) -> Iterator[Package]:
    """The package, if its reader found its licence allowed; stderr names one that has another licence."""
    if package is None:
        print(f"licence not allowed: {wanted}", file=sys.stderr)
    else:
        yield package
