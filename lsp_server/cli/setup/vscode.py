"""The set-up of VS Code and its kin: the extension, and the path of the program in their settings."""

import os
import sys
from pathlib import Path

from lsp_server.cli.setup.changed_file import FileChange, in_words, plan_change, read_text
from lsp_server.cli.setup.json_member import JsonMember, read_json
from lsp_server.cli.setup.loading import run_quietly
from midspan import SettingsError, __version__

_EXTENSION = "midspan.midspan"
_FOLDERS = {"code": "Code", "codium": "VSCodium"}
_SETTING = "midspan.path"


def plan_vscode(editor: str, program: str, midspan: Path) -> FileChange | None:
    """Return the change of the settings that name `midspan`; None where they do. Raises SettingsError."""
    file = _settings_file(editor, program)
    text = read_text(file)
    try:
        earlier = read_json(text).get(_SETTING)
    except SettingsError as error:
        raise SettingsError(f"{in_words(file)}: {error}") from error
    return plan_change(file, JsonMember(_SETTING, str(midspan), earlier))


def has_extension(program: str) -> bool:
    """Return whether the editor has this version of the extension."""
    return f"{_EXTENSION}@{__version__}" in _listed(program)


def install_extension(program: str, file: Path) -> None:
    """Install the extension. Raises SettingsError."""
    _run(program, "--install-extension", str(file), "--force")


def remove_extension(program: str) -> None:
    """Remove the extension, if it is still there. Raises SettingsError."""
    if any(line.startswith(f"{_EXTENSION}@") for line in _listed(program)):
        _run(program, "--uninstall-extension", _EXTENSION)


def _settings_file(editor: str, program: str) -> Path:
    """Return the file with the settings of this machine, which alone may name a program to run."""
    home = Path.home()
    if editor == "code-server":
        data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")
        return data / "code-server/Machine/settings.json"
    if ".vscode-server" in program:  # in the terminal of a remote window
        return home / ".vscode-server/data/Machine/settings.json"
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or home / "AppData/Roaming")
    elif sys.platform == "darwin":
        base = home / "Library/Application Support"
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    return base / _FOLDERS[editor] / "User/settings.json"


def _listed(program: str) -> list[str]:
    done, _ = run_quietly([program, "--list-extensions", "--show-versions"])
    return done.stdout.lower().splitlines() if done is not None else []


def _run(program: str, *words: str) -> None:
    done, reason = run_quietly([program, *words])
    if done is not None and done.returncode == 0:
        return
    said = reason or (done.stderr.strip().splitlines() or ["it does not say why"])[-1] if done is not None else reason
    raise SettingsError(f"{program} {' '.join(words)} failed: {said}")
