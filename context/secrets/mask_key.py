"""The key that placeholders are made with: one for each user and machine, as the index outlives the process."""

import os
import secrets
from contextlib import suppress
from functools import cache
from pathlib import Path

import platformdirs

_BYTES = 32


@cache
def mask_key() -> bytes:
    """Return the key of the user's state folder, made at the first call; the process's own where none can be kept."""
    file = platformdirs.user_state_path("midspan") / "mask.key"
    with suppress(OSError):
        return _read(file) or _make(file)
    return secrets.token_bytes(_BYTES)


def _read(file: Path) -> bytes | None:
    """Return the key; None where there is no file of the right length."""
    with suppress(FileNotFoundError):
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with open(descriptor, "rb") as stream:
            key = stream.read(_BYTES + 1)
            return key if len(key) == _BYTES else None
    return None


def _make(file: Path) -> bytes:
    """Write a new key in one step; when another process is faster, return the key of that one. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = file.with_name(f"{file.name}.{os.getpid()}-{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(_BYTES))
        if file.exists():  # it is of a wrong length
            os.replace(new, file)
        else:
            with suppress(FileExistsError):
                os.link(new, file)
    finally:
        new.unlink(missing_ok=True)
    key = _read(file)
    if key is None:
        raise OSError(f"{file} holds no key of {_BYTES} bytes.")
    return key
