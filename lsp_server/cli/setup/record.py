"""The record of what setup has changed, with the bytes from before, in the user's state folder."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import platformdirs

from lsp_server.cli.setup.changed_file import FileChange, Part, in_words, read_bytes, write_file
from lsp_server.cli.setup.json_member import JsonMember
from lsp_server.cli.setup.text_block import TextBlock
from lsp_server.cli.setup.toml_key import TomlKey
from midspan import SettingsError

_PARTS = {kind.__name__: kind for kind in (TextBlock, JsonMember, TomlKey)}


@dataclass(frozen=True)
class ChangedFile:
    """A file as setup has left it. `backup` is the name of its bytes from before; None: there was no file."""

    path: Path
    backup: str | None
    after_sha256: str
    part: Part
    made_folders: tuple[Path, ...]  # for this file, the innermost first


@dataclass(frozen=True)
class Changes:
    """All that setup has changed: files, and the programs whose editors were given the extension."""

    files: tuple[ChangedFile, ...] = ()
    extensions: tuple[str, ...] = ()


class SetupRecord:
    """The record in one folder, which is the user's alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "setup.json"

    def read(self) -> Changes:
        """Read what was changed. Raises SettingsError."""
        content = read_bytes(self._file)
        if content is None:
            return Changes()
        try:
            found = json.loads(content)
            return Changes(tuple(map(_changed_file, found["files"])), tuple(map(str, found["extensions"])))
        except (ValueError, KeyError, TypeError) as error:
            raise SettingsError(f"{in_words(self._file)} cannot be understood ({error}). Remove it.") from error

    def backup(self, changed: ChangedFile) -> Path | None:
        """Return the file with the bytes from before."""
        return self.folder / changed.backup if changed.backup is not None else None

    def apply(self, change: FileChange) -> Path | None:
        """Write a change, and return the backup, if there was a file. Raises SettingsError."""
        if read_bytes(change.path) != change.before:
            raise SettingsError(f"{in_words(change.path)} was changed meanwhile. Run midspan setup again.")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        changes = self.read()
        known = next((file for file in changes.files if file.path == change.path), None)
        others = tuple(file for file in changes.files if file is not known)
        after = change.after.encode()
        changed = self._changed(change, known, sha256(after))
        self._write(replace(changes, files=(*others, changed)))  # first, so that a file is never changed without it
        try:
            made = write_file(change.path, after)
        except SettingsError:
            self._write(changes)
            raise
        changed = replace(changed, made_folders=(*changed.made_folders, *made))
        self._write(replace(changes, files=(*others, changed)))
        return self.backup(changed)

    def note_extension(self, program: str) -> None:
        """Note that the editor of this program was given the extension. Raises SettingsError."""
        changes = self.read()
        self._write(replace(changes, extensions=tuple(dict.fromkeys([*changes.extensions, program]))))

    def forget_file(self, changed: ChangedFile, *, keeps_backup: bool) -> None:
        """Forget a file whose change was taken back. Raises SettingsError."""
        changes = self.read()
        self._write(replace(changes, files=tuple(file for file in changes.files if file.path != changed.path)))
        backup = self.backup(changed)
        if backup is not None and not keeps_backup:
            backup.unlink(missing_ok=True)

    def forget_extension(self, program: str) -> None:
        """Forget an extension that was removed. Raises SettingsError."""
        changes = self.read()
        self._write(replace(changes, extensions=tuple(other for other in changes.extensions if other != program)))

    def _changed(self, change: FileChange, known: ChangedFile | None, after_sha256: str) -> ChangedFile:
        """Make the entry of a change. What a second setup finds of the first one is no state to go back to."""
        if known is not None and change.before is not None and sha256(change.before) == known.after_sha256:
            return replace(known, after_sha256=after_sha256, part=_with_earlier(change.part, known.part))
        if change.before is None:
            return ChangedFile(change.path, None, after_sha256, change.part, ())
        part = _with_earlier(change.part, known.part) if known is not None else change.part
        before = known.part.take_out(change.before.decode()).encode() if known is not None else change.before
        name = f"{sha256(bytes(change.path))[:8]}-{change.path.name}"
        write_file(self.folder / name, before)
        (self.folder / name).chmod(0o600)
        return ChangedFile(change.path, name, after_sha256, part, ())

    def _write(self, changes: Changes) -> None:
        if not changes.files and not changes.extensions:
            self._file.unlink(missing_ok=True)
            return
        files = [{**asdict(file), "kind": type(file.part).__name__} for file in changes.files]
        text = json.dumps({"files": files, "extensions": changes.extensions}, default=str, indent=1)
        write_file(self._file, text.encode())
        self._file.chmod(0o600)


def user_record() -> SetupRecord:
    """Return the user's record."""
    return SetupRecord(platformdirs.user_state_path("midspan", appauthor=False) / "setup")


def sha256(content: bytes) -> str:
    """Return the hash of a file's bytes."""
    return hashlib.sha256(content).hexdigest()


def _changed_file(row: dict[str, Any]) -> ChangedFile:
    values = dict(row["part"])
    if "lines" in values:
        values["lines"] = tuple(values["lines"])
    part = _PARTS[row["kind"]](**values)
    folders = tuple(map(Path, row["made_folders"]))
    return ChangedFile(Path(row["path"]), row["backup"], str(row["after_sha256"]), part, folders)


def _with_earlier(part: Part, known: Part) -> Part:
    """Return the part with the value from before the first setup."""
    if isinstance(part, JsonMember) and isinstance(known, JsonMember):
        return replace(part, earlier=known.earlier)
    if isinstance(part, TomlKey) and isinstance(known, TomlKey):
        return replace(part, earlier=known.earlier)
    return part
