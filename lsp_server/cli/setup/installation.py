"""The files of this installation that editors are given: the program, and the clients for the editors."""

import shutil
import sys
import sysconfig
from importlib import resources
from pathlib import Path

from midspan import SettingsError


def find_program() -> Path:
    """Return the program `midspan` as it was started, else the first on the PATH. Raises SettingsError.

    Links stay links, because an upgrade of a tool's environment keeps them.
    """
    name = "midspan.exe" if sys.platform == "win32" else "midspan"
    started = Path(sys.argv[0]).with_suffix(".exe" if sys.platform == "win32" else "")
    beside = Path(sysconfig.get_path("scripts")) / name
    found = shutil.which("midspan")
    candidates = [started if started.name == name else None, Path(found) if found else None, beside]
    for candidate in candidates:
        if candidate is not None and candidate.is_file():
            return candidate.absolute()
    raise SettingsError(
        f"The program {name} is neither on the PATH nor beside Python. "
        "Install it, in a copy of the repository: uv tool install ."
    )


def client_folder(editor: str) -> Path:
    """Return the folder of the client for "nvim" or "emacs", or of "vscode" with its extension. Raises SettingsError.

    They lie beside the packages, in a wheel as in the repository.
    """
    for folder in _folders():
        if (folder / editor).is_dir():
            return folder / editor
    raise SettingsError(f"The folder editors/{editor} is not in this installation. Install Midspan again.")


def find_extension() -> Path | None:
    """Return the extension for VS Code, None where the installation has none."""
    files = [folder / "vscode" / "midspan.vsix" for folder in _folders()]
    return next((file for file in files if file.is_file()), None)


def _folders() -> list[Path]:
    packages = Path(str(resources.files("midspan"))).parent
    return [packages / "editors"]
