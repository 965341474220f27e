"""The editors on this machine that have a client: on the PATH, and where their installers put them."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_PATIENCE_S = 20.0  # VS Code starts Node.js to say its version


@dataclass(frozen=True)
class Editor:
    """An editor with a client. `version` is a pattern with two groups for the output of `program --version`.

    `usual_places` are programs that are not always on the PATH.
    """

    program: str
    name: str
    version: str
    least: tuple[int, int]
    usual_places: tuple[str, ...] = ()


_CODE = r"^(\d+)\.(\d+)"
_MAC = "/Applications/{}.app/Contents"

EDITORS = (
    Editor(
        "nvim",
        "Neovim",
        r"NVIM v(\d+)\.(\d+)",
        (0, 11),
        ("~/.local/bin/nvim", "/opt/homebrew/bin/nvim", "/usr/local/bin/nvim", "/snap/bin/nvim", "/opt/nvim/bin/nvim"),
    ),
    Editor(
        "code",
        "VS Code",
        _CODE,
        (1, 91),
        (
            "/usr/share/code/bin/code",
            "/snap/bin/code",
            f"{_MAC.format('Visual Studio Code')}/Resources/app/bin/code",
            "~/AppData/Local/Programs/Microsoft VS Code/bin/code.cmd",
        ),
    ),
    Editor(
        "codium",
        "VSCodium",
        _CODE,
        (1, 91),
        ("/usr/share/codium/bin/codium", "/snap/bin/codium", f"{_MAC.format('VSCodium')}/Resources/app/bin/codium"),
    ),
    Editor(
        "code-server",
        "code-server",
        r"with Code (\d+)\.(\d+)",
        (1, 91),
        ("~/.local/bin/code-server", "/usr/lib/code-server/bin/code-server", "/opt/homebrew/bin/code-server"),
    ),
    Editor(
        "emacs",
        "Emacs",
        r"GNU Emacs (\d+)\.(\d+)",
        (29, 1),
        (f"{_MAC.format('Emacs')}/MacOS/Emacs", "/opt/homebrew/bin/emacs", "/snap/bin/emacs"),
    ),
)


@dataclass(frozen=True)
class InstalledEditor:
    """`version` is None where the program does not say one."""

    editor: Editor
    path: str
    version: tuple[int, int] | None

    @property
    def is_too_old(self) -> bool:
        return self.version is not None and self.version < self.editor.least

    def __str__(self) -> str:
        version = f" {version_in_words(self.version)}" if self.version else ""
        return f"{self.editor.name}{version} ({self.path})"


def find_editors() -> list[InstalledEditor]:
    """Find the editors, each once: the one on the PATH, or else the first of the usual places."""
    found = ((editor, _find_program(editor)) for editor in EDITORS)
    return [InstalledEditor(editor, path, _read_version(editor, path)) for editor, path in found if path is not None]


def version_in_words(version: tuple[int, int]) -> str:
    """E.g. ``0.11``."""
    return ".".join(map(str, version))


def _find_program(editor: Editor) -> str | None:
    candidates = (editor.program, *(str(Path(place).expanduser()) for place in editor.usual_places))
    return next((path for candidate in candidates if (path := shutil.which(candidate)) is not None), None)


def _read_version(editor: Editor, path: str) -> tuple[int, int] | None:
    try:
        done = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(editor.version, done.stdout, re.MULTILINE)
    return (int(match[1]), int(match[2])) if match is not None else None
