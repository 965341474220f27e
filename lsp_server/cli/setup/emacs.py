"""The set-up of Emacs: three forms at the end of its init file, which Emacs has loaded before they are written."""

import json
import os
import tempfile
from pathlib import Path

from lsp_server.cli.setup.changed_file import FileChange, in_words, plan_change
from lsp_server.cli.setup.installation import client_folder
from lsp_server.cli.setup.loading import choose_place, run_quietly
from lsp_server.cli.setup.text_block import TextBlock

_LOADED = "midspan-is-loaded"


def plan_emacs(program: str, midspan: Path) -> FileChange | None:
    """Return the change of the init file; None where it is as wanted. Raises SettingsError."""
    file = _init_file()
    block = _block(client_folder("emacs"), midspan)
    change = plan_change(file, block)
    if change is None:
        return None
    return choose_place(change, block, lambda text: _load(program, file, text))


def _init_file() -> Path:
    """Return the file that Emacs reads, in its own order, or that it would read if it were there."""
    home = Path.home()
    for old in (home / ".emacs.el", home / ".emacs"):
        if old.exists():
            return old
    folder = home / ".emacs.d"
    newer = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "emacs"
    return (newer if newer.is_dir() and not folder.exists() else folder) / "init.el"


def _block(client: Path, midspan: Path) -> TextBlock:
    """Make the forms. Where Midspan was uninstalled they do nothing."""
    folder = _lisp_text(str(client))
    return TextBlock(
        ";;",
        (
            f"(when (file-directory-p {folder})",
            f"  (add-to-list 'load-path {folder})",
            "  (require 'midspan)",
            f'  (setq midspan-command \'({_lisp_text(str(midspan))} "serve"))',
            "  (midspan-setup))",
        ),
    )


def _lisp_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _load(program: str, file: Path, text: str) -> tuple[bool, str]:
    """Start Emacs with this text as its init file; return whether Midspan's forms ran, and the error."""
    with tempfile.TemporaryDirectory(prefix="midspan-setup-") as folder:
        init = Path(folder) / "init.el"
        init.write_bytes(text.encode())
        probe = f'(princ (if (featurep \'midspan) "\\n{_LOADED}" ""))'
        done, reason = run_quietly([program, "--batch", "-f", "package-activate-all", "-l", str(init), "--eval", probe])
        if done is None:
            return False, reason
        is_loaded = done.stdout.endswith(_LOADED)
        said = next((line for line in done.stderr.splitlines() if line.strip()), "") if done.returncode else ""
        return is_loaded, said.replace(str(init), in_words(file))
