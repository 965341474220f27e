"""A file that setup changes: what it would become, the diff, and the write, which follows links."""

import difflib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from lsp_server.cli.setup.json_member import JsonMember
from lsp_server.cli.setup.text_block import TextBlock
from lsp_server.cli.setup.toml_key import TomlKey
from midspan import SettingsError

Part: TypeAlias = TextBlock | JsonMember | TomlKey  # the part of a file that is ours


@dataclass(frozen=True)
class FileChange:
    """`before` is None for a file that is not there. `path` is the user's, links not followed."""

    path: Path
    before: bytes | None
    after: str
    part: Part

    def diff(self) -> str:
        """Return the unified diff."""
        name = in_words(self.path)
        before = (self.before or b"").decode().splitlines()
        old = name if self.before is not None else "(there is no such file yet)"
        return "\n".join(difflib.unified_diff(before, self.after.splitlines(), old, name, lineterm=""))


def read_bytes(path: Path) -> bytes | None:
    """Read a file; None where there is none. Raises SettingsError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"{in_words(path)} cannot be read ({error.strerror}).") from error


def read_text(path: Path) -> str:
    """Read a file with its own line ends; "" where there is none. Raises SettingsError."""
    return _decode(path, read_bytes(path))


def _decode(path: Path, content: bytes | None) -> str:
    try:
        return (content or b"").decode()
    except ValueError as error:
        raise SettingsError(f"{in_words(path)} is not UTF-8, so Midspan does not change it.") from error


def plan_change(path: Path, part: Part) -> FileChange | None:
    """Return the change that puts the part into a file; None where it is there already. Raises SettingsError."""
    content = read_bytes(path)
    before = _decode(path, content)
    try:
        after = part.put_into(before)
    except SettingsError as error:
        raise SettingsError(f"{in_words(path)}: {error}") from error
    return FileChange(path, content, after, part) if after != before else None


def write_file(path: Path, content: bytes) -> list[Path]:
    """Write a whole file, through the links that lead to it, and return the folders that were made for it.

    Raises SettingsError.
    """
    real = Path(os.path.realpath(path))
    try:
        made = _make_folders(real.parent)
        if not real.exists():
            real.write_bytes(content)
            return made
        if not real.stat().st_mode & 0o222 or not os.access(real, os.W_OK):
            raise SettingsError(f"{in_words(path)} is read-only. Make it writable, or change it yourself.")
        descriptor, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.")
        try:
            with open(descriptor, "wb") as file:
                file.write(content)
            shutil.copymode(real, name)
            os.replace(name, real)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise SettingsError(f"{in_words(path)} cannot be written ({error.strerror}).") from error
    return made


def in_words(path: Path) -> str:
    """Return the path with "~" for the home folder."""
    home = Path.home()
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)


def _make_folders(folder: Path) -> list[Path]:
    """Make a folder and those above it, and return the new ones, the innermost first."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing
