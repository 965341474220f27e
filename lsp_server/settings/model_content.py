"""The content of a model folder: the files that the user's trust depends on.

These are the JSON files (config.json, tokenizer.json, the index of the weights) and the safetensors files; the engine
reads no others. The folder is not trusted yet, so only regular files are read, and only so much of them.
"""

import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from midspan import ModelError, SettingsError

_MOST_FILES = 1000
_MOST_GB = 8  # a larger model is no part of a repository
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class ModelContent:
    """The content of a model folder. `stamp` changes whenever a file of it is written, and costs no reading."""

    sha256: str
    stamp: str
    files: int
    size_bytes: int


@dataclass(frozen=True)
class AllowedModel:
    """A workspace's model that the user has allowed. `stamp` is that of the folder when it last had the content.

    Two with other stamps may be equal: a folder with the same content is the same model.
    """

    folder: Path
    sha256: str
    stamp: str = field(compare=False)

    def confirm(self) -> None:
        """Raise ModelError when a file of the folder has been written since."""
        if stamp_of(self.folder) != self.stamp:
            raise ModelError(f"{self.folder}: changed after you allowed it; allow its new content")


def read_content(folder: Path) -> ModelContent:
    """Read the content of a model folder. Raises SettingsError for a folder that holds no model to trust.

    This takes seconds for each GB. Call it outside of the event loop.
    """
    before = stamp_of(folder)
    try:
        files = [entry for entry in _entries(folder) if entry.name.endswith((".json", ".safetensors"))]
        if not files:
            raise SettingsError(f"{folder} holds no model: it has no JSON files and no safetensors files.")
        if (size_bytes := sum(entry.stat().st_size for entry in files)) > _MOST_GB * 10**9:
            raise SettingsError(
                f"The model {folder} is larger than {_MOST_GB} GB, which is too large for a model of a workspace. Name "
                f"it in your own settings, or run: midspan model import {folder}"
            )
        digest = hashlib.sha256()
        for entry in files:
            _add(digest, entry)
    except OSError as error:
        raise SettingsError(f"The model {folder} cannot be read ({error.strerror}).") from error
    if stamp_of(folder) != before:
        raise _changed(folder)
    return ModelContent(digest.hexdigest(), before, len(files), size_bytes)


def stamp_of(folder: Path) -> str:
    """Return a hash of the names, sizes, times and numbers of the folder's files; "" if it cannot be looked at."""
    digest = hashlib.sha256()
    try:
        for entry in _entries(folder):
            state = entry.stat()
            times = (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino, state.st_dev)
            digest.update(f"{entry.name!r} {times} ".encode())
    except (OSError, ValueError, SettingsError):
        return ""
    return digest.hexdigest()


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    entries: list[os.DirEntry[str]] = []
    with os.scandir(folder) as found:
        for entry in found:
            entries.append(entry)
            if len(entries) > _MOST_FILES:
                raise SettingsError(f"{folder} is no model's folder: it holds over {_MOST_FILES} files.")
    return sorted(entries, key=lambda entry: entry.name)


def _add(digest: "hashlib._Hash", entry: os.DirEntry[str]) -> None:
    """Add a file's name, size and bytes to the digest. Raises SettingsError or OSError."""
    # A pipe that nobody writes to would hold an ordinary open for ever.
    descriptor = os.open(entry.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    with open(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise SettingsError(f"{entry.path} is no regular file. A model that holds one is not loaded.")
        name = os.fsencode(entry.name)
        digest.update(b"%d %b %d " % (len(name), name, state.st_size))
        left_bytes = state.st_size
        while left_bytes and (data := file.read(min(left_bytes, _CHUNK_BYTES))):
            digest.update(data)
            left_bytes -= len(data)
        if left_bytes:
            raise _changed(Path(entry.path))


def _changed(path: Path) -> SettingsError:
    return SettingsError(f"{path} changed while it was read. Try again.")
