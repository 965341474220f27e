"""The set-up of Neovim: two lines at the end of its init file, which Neovim has loaded before they are written."""

import os
import sys
import tempfile
from pathlib import Path

from lsp_server.cli.setup.changed_file import FileChange, in_words, plan_change
from lsp_server.cli.setup.installation import client_folder
from lsp_server.cli.setup.loading import choose_place, run_quietly
from lsp_server.cli.setup.text_block import TextBlock

_LOADED = "midspan-is-loaded"


def plan_neovim(program: str, midspan: Path) -> FileChange | None:
    """Return the change of the init file; None where it is as wanted. Raises SettingsError."""
    file = _init_file()
    block = _block(file, client_folder("nvim"), midspan)
    change = plan_change(file, block)
    if change is None:
        return None
    return choose_place(change, block, lambda text: _load(program, file, text))


def _init_file() -> Path:
    """Return the file that Neovim reads, or that it would read if it were there."""
    if sys.platform == "win32":
        base = Path(os.environ.get("XDG_CONFIG_HOME") or os.environ.get("LOCALAPPDATA") or "~/AppData/Local")
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config")
    folder = base.expanduser() / (os.environ.get("NVIM_APPNAME") or "nvim")
    vim, lua = folder / "init.vim", folder / "init.lua"
    return vim if vim.exists() and not lua.exists() else lua


def _block(file: Path, client: Path, midspan: Path) -> TextBlock:
    """Make the lines. Where Midspan was uninstalled they do nothing."""
    folder, program = _lua_text(str(client)), _lua_text(str(midspan))
    lines = (
        f"if vim.fn.isdirectory({folder}) == 1 then",
        f"  vim.opt.runtimepath:prepend({folder})",
        f"  require('midspan').setup{{ cmd = {{ {program}, 'serve' }} }}",
        "end",
    )
    if file.suffix == ".vim":
        return TextBlock('"', ("lua << MIDSPAN", *lines, "MIDSPAN"))
    return TextBlock("--", lines)


def _lua_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _load(program: str, file: Path, text: str) -> tuple[bool, str]:
    """Start Neovim with this text as its init file; return whether Midspan's lines ran, and the errors."""
    with tempfile.TemporaryDirectory(prefix="midspan-setup-") as folder:
        init = Path(folder) / f"init{file.suffix}"
        init.write_bytes(text.encode())
        said = Path(folder) / "said"
        probe = f"lua vim.fn.writefile({{package.loaded.midspan and '{_LOADED}' or 'no'}}, {_lua_text(str(said))})"
        command = [program, "--headless", "-n", "-i", "NONE", "-u", str(init), "-c", probe, "-c", "qall!"]
        done, reason = run_quietly(command)
        if done is None:
            return False, reason
        is_loaded = said.exists() and said.read_text().strip() == _LOADED
        return is_loaded, done.stderr.replace(str(init), in_words(file)).strip() if "Error" in done.stderr else ""
