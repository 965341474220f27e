"""`midspan setup --undo`: gives each file its bytes from before, or takes out Midspan's part of a file edited since."""

from pathlib import Path

from lsp_server.cli.setup.changed_file import in_words, read_bytes, write_file
from lsp_server.cli.setup.dialog import Dialog
from lsp_server.cli.setup.record import ChangedFile, SetupRecord, sha256
from lsp_server.cli.setup.vscode import remove_extension
from midspan import MidspanError, SettingsError


def undo(dialog: Dialog, record: SetupRecord, *, is_dry: bool) -> bool:
    """Take back what setup has changed; return whether all went well. When `is_dry`, only say what would be."""
    changes = record.read()
    if not changes.files and not changes.extensions:
        dialog.say("There is nothing to undo: midspan setup has changed no file.")
        return True
    is_well = True
    for changed in reversed(changes.files):
        try:
            dialog.say(_undo_file(record, changed, is_dry=is_dry))
        except MidspanError as error:
            dialog.say(str(error))
            is_well = False
    for program in changes.extensions:
        try:
            if not is_dry:
                remove_extension(program)
                record.forget_extension(program)
            dialog.say(f"The extension {'would be' if is_dry else 'is'} removed from {program}.")
        except MidspanError as error:
            dialog.say(str(error))
            is_well = False
    return is_well


def _undo_file(record: SetupRecord, changed: ChangedFile, *, is_dry: bool) -> str:
    """Take back the change of a file, and say what was done. Raises SettingsError."""
    now, backup, name = read_bytes(changed.path), record.backup(changed), in_words(changed.path)
    before = read_bytes(backup) if backup is not None else None
    if now is None:
        said, wanted = f"{name} is gone, and stays so.", None
    elif sha256(now) == changed.after_sha256:
        if backup is not None and before is None:
            raise SettingsError(f"The backup {in_words(backup)} of {name} is gone, so the file stays as it is.")
        said, wanted = f"{name} is as it was before." if before is not None else f"{name} is removed.", before
    else:
        wanted = _without_part(changed, now, name)
        said = f"You have edited {name} since, so only Midspan's part of it is removed."
        if backup is not None:
            said += f" The backup from before stays: {in_words(backup)}"
    if is_dry:
        return f"Would be done: {said}"
    is_edited = now is not None and sha256(now) != changed.after_sha256
    if wanted is not None:
        write_file(changed.path, wanted)
    elif now is not None:
        _remove(changed.path, changed.made_folders)
    record.forget_file(changed, keeps_backup=is_edited)
    return said


def _without_part(changed: ChangedFile, now: bytes, name: str) -> bytes:
    try:
        return changed.part.take_out(now.decode()).encode()
    except (SettingsError, ValueError) as error:
        raise SettingsError(f"{name} was edited since, and Midspan's part is not found: {error}") from error


def _remove(path: Path, made_folders: tuple[Path, ...]) -> None:
    try:
        path.unlink()
        for folder in made_folders:
            if any(folder.iterdir()):
                break
            folder.rmdir()
    except OSError as error:
        raise SettingsError(f"{in_words(path)} cannot be removed ({error.strerror}).") from error
