"""The check of the editors: those on the PATH, and their versions."""

import re
import shutil
import subprocess
from dataclasses import dataclass

from lsp_server.cli.checks.finding import Finding

_SUBJECT = "editors"
_PATIENCE_S = 10.0


@dataclass(frozen=True)
class Editor:
    """An editor with a client. `version` is a pattern with two groups for the output of `program --version`."""

    program: str
    name: str
    version: str
    least: tuple[int, int]
    setup: str


EDITORS = (
    Editor(
        "nvim", "Neovim", r"NVIM v(\d+)\.(\d+)", (0, 11), "editors/nvim on the runtimepath, require('midspan').setup{}"
    ),
    Editor("emacs", "Emacs", r"GNU Emacs (\d+)\.(\d+)", (29, 1), "editors/emacs/midspan.el, M-x midspan-mode"),
    Editor("code", "VS Code", r"^(\d+)\.(\d+)", (1, 91), "the extension in editors/vscode"),
    Editor("codium", "VSCodium", r"^(\d+)\.(\d+)", (1, 91), "the extension in editors/vscode"),
)


def check_editors() -> list[Finding]:
    """Check each editor on the PATH. No finding is wrong: every LSP client works."""
    found = [_check(editor, path) for editor in EDITORS if (path := shutil.which(editor.program)) is not None]
    names = ", ".join(editor.name for editor in EDITORS)
    absent = f"None of these editors is on the PATH: {names}. Any other LSP client can run: midspan serve"
    return found or [Finding(_SUBJECT, absent)]


def _check(editor: Editor, path: str) -> Finding:
    try:
        done = subprocess.run(
            [path, "--version"], capture_output=True, text=True, errors="replace", timeout=_PATIENCE_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return Finding(_SUBJECT, f"{editor.name} ({path}) does not print its version.")
    match = re.search(editor.version, done.stdout)
    if match is None:
        return Finding(_SUBJECT, f"{editor.name} ({path}) does not print its version.")
    version = (int(match[1]), int(match[2]))
    said = ".".join(map(str, version))
    if version < editor.least:
        least = ".".join(map(str, editor.least))
        return Finding(_SUBJECT, f"{editor.name} {said} ({path}) is too old.", fix=f"Install {least} or newer.")
    return Finding(_SUBJECT, f"{editor.name} {said} ({path}): {editor.setup}")
