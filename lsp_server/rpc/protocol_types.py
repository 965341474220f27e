"""Imports the types of LSP in half the time: `attrs` writes methods for 554 classes, and to compile these takes 0.1 s.

The compiled code is kept in the user's cache, each piece by its source. A file that is damaged, that another user may
write, or that is of another Python is not read.
"""

import builtins
import hashlib
import marshal
import os
import stat
import sys
from contextlib import suppress
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from types import CodeType

import attr._make
import platformdirs

from midspan.whole_file import write_whole

_CHECKSUM_BYTES = 32


def import_protocol_types() -> None:
    """Import `lsprotocol.types`, and keep what was compiled for the next start."""
    path = _path()
    compiled = _Compiled(_read(path))
    names = vars(attr._make)
    names["compile"] = compiled.compile  # stands before the builtin, for this module alone
    try:
        import lsprotocol.types  # noqa: F401  # it is used by those who import it later
    finally:
        del names["compile"]
    if compiled.has_changed:
        _keep(path, compiled.codes)


class _Compiled:
    """Compiled code by the hash of its source and the name of its file."""

    def __init__(self, kept: dict[bytes, CodeType]) -> None:
        self._kept = kept
        self.codes: dict[bytes, CodeType] = {}  # those that this start has used

    @property
    def has_changed(self) -> bool:
        """True when other code was used than was kept."""
        return self.codes.keys() != self._kept.keys()

    def compile(self, source: str, filename: str, mode: str) -> CodeType:
        """Return what the builtin would return for these arguments."""
        key = hashlib.blake2b(f"{mode} {filename}\n{source}".encode(), digest_size=16).digest()
        self.codes[key] = code = self._kept.get(key) or builtins.compile(source, filename, mode)
        return code


def _read(path: Path) -> dict[bytes, CodeType]:
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if sys.platform != "win32" and (found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o022):
                return {}
            data = file.read()
    except OSError:
        return {}
    checksum, content = data[:_CHECKSUM_BYTES], data[_CHECKSUM_BYTES:]
    if hashlib.sha256(content).digest() != checksum:
        return {}
    codes: dict[bytes, CodeType] = marshal.loads(content)
    return codes


def _keep(path: Path, codes: dict[bytes, CodeType]) -> None:
    content = marshal.dumps(codes)
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, hashlib.sha256(content).digest() + content)


def _path() -> Path:
    """Return the path of this Python's file: the number changes with the form of compiled code."""
    return platformdirs.user_cache_path("midspan") / f"protocol-types-{sys.implementation.name}-{MAGIC_NUMBER.hex()}"
