"""The editors' part of setup: each editor that is here is configured, and what fails leaves the others alone."""

from collections.abc import Callable
from pathlib import Path

from lsp_server.cli.checks.installed_editors import EDITORS, InstalledEditor, version_in_words
from lsp_server.cli.setup.changed_file import FileChange, in_words
from lsp_server.cli.setup.dialog import Dialog
from lsp_server.cli.setup.emacs import plan_emacs
from lsp_server.cli.setup.installation import find_extension
from lsp_server.cli.setup.neovim import plan_neovim
from lsp_server.cli.setup.record import SetupRecord
from lsp_server.cli.setup.vscode import has_extension, install_extension, plan_vscode
from midspan import MidspanError

_PLANS: dict[str, Callable[[str, Path], FileChange | None]] = {"nvim": plan_neovim, "emacs": plan_emacs}


def set_up_editors(
    dialog: Dialog, record: SetupRecord, editors: list[InstalledEditor], midspan: Path, *, is_dry: bool
) -> bool:
    """Configure the editors to start `midspan`; return whether all went well. When `is_dry`, only say what would be."""
    if not editors:
        names = ", ".join(editor.name for editor in EDITORS)
        dialog.say(f"No editor is here that Midspan has a client for: {names}.")
        dialog.say("Every other editor that speaks LSP runs: midspan serve")
    is_well = True
    for found in editors:
        dialog.say(str(found))
        try:
            _set_up(dialog, record, found, midspan, is_dry=is_dry)
        except MidspanError as error:
            dialog.show(f"Not set up: {error}")
            is_well = False
        dialog.say()
    return is_well


def _set_up(dialog: Dialog, record: SetupRecord, found: InstalledEditor, midspan: Path, *, is_dry: bool) -> None:
    if found.is_too_old:
        dialog.show(f"It is too old for Midspan. Install {version_in_words(found.editor.least)} or newer.")
        return
    name = found.editor.program
    is_vscode = name not in _PLANS
    if is_vscode:
        _set_up_extension(dialog, record, found, is_dry=is_dry)
        change = plan_vscode(name, found.path, midspan)
    else:
        change = _PLANS[name](found.path, midspan)
    if change is None:
        dialog.show("It is set up already.")
    else:
        change_file(dialog, record, change, is_dry=is_dry)


def _set_up_extension(dialog: Dialog, record: SetupRecord, found: InstalledEditor, *, is_dry: bool) -> None:
    file = find_extension()
    if has_extension(found.path):
        dialog.show("The extension is installed.")
    elif file is None:
        dialog.show(
            "The extension is not in this installation of Midspan. Take midspan.vsix from a release, or make it in "
            f"the repository's editors/vscode, then run: {found.editor.program} --install-extension midspan.vsix"
        )
    elif is_dry:
        dialog.show(f"Would install the extension {in_words(file)}.")
    elif dialog.agrees(f"  Install the extension {in_words(file)}?"):
        install_extension(found.path, file)
        record.note_extension(found.path)
        dialog.show("The extension is installed.")


def change_file(dialog: Dialog, record: SetupRecord, change: FileChange, *, is_dry: bool) -> bool:
    """Show the diff of a change, and make it if the user agrees; return whether it is made. Raises SettingsError."""
    dialog.show(change.diff())
    name = in_words(change.path)
    if is_dry or not dialog.agrees(f"  Write {name}?"):
        return False
    backup = record.apply(change)
    dialog.show(f"Written: {name}." + (f" Its backup: {in_words(backup)}" if backup is not None else ""))
    return True
