"""`midspan setup --yes` on a home written by hand: the real editors complete, and undo leaves no trace."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e import emacs as emacs_program
from tests.e2e import neovim as neovim_program
from tests.e2e.emacs_terminal import LISTEN, Emacs
from tests.e2e.neovim import Neovim, attach
from tests.e2e.terminal import terminal
from tests.e2e.vscode import SERVER, SETTINGS, VSCode
from tests.e2e.workbench import workbench
from tests.lsp_server.daemons import place

CALL = "total = add_prices(first_price, second_price)\n"
BEGUN = "total = add_prices("

BY_HAND = {
    ".config/nvim/init.lua": """-- mine
vim.o.swapfile, vim.o.shadafile = false, 'NONE'
vim.keymap.set('n', 'gm', function() vim.g.by_hand = 'still here' end)
return { mine = true }  -- nothing may stand behind this line
""",
    ".emacs.d/init.el": """;; mine
(setq make-backup-files nil auto-save-default nil create-lockfiles nil inhibit-startup-screen t eglot-sync-connect 60)
(setq by-hand "still here") ; no newline at the end""",
    ".local/share/code-server/Machine/settings.json": """{
  // mine
  "editor.fontSize": 21, /* large */
}
""",
}

pytestmark = [neovim_program.needs_neovim, emacs_program.needs_emacs]


def texts(home: Path) -> dict[str, bytes]:
    return {name: (home / name).read_bytes() for name in BY_HAND}


def is_completed(text: str) -> bool:
    """Return whether the begun line has been completed, with whatever the built-in model writes there."""
    start = f"{CALL}{CALL}{BEGUN}"
    return text.startswith(start) and len(text) > len(start) + 1


def setup(variables: dict[str, str], *words: str) -> str:
    command = ["midspan", "setup", *words]
    environment = os.environ | variables
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A home after `midspan setup --yes`, and its environment. After the tests, setup is undone."""
    folder = tmp_path_factory.mktemp("setup")
    home, programs = folder / "home", folder / "bin"
    programs.mkdir()
    for name, text in BY_HAND.items():
        (home / name).parent.mkdir(parents=True)
        (home / name).write_text(text)
    (home / ".config/nvim/init.lua").rename(home / "dots.lua")
    (home / ".config/nvim/init.lua").symlink_to("../../dots.lua")
    for program in (neovim_program.PROGRAM, emacs_program.PROGRAM, SERVER):
        (programs / program.name).symlink_to(program)
    (programs / "midspan").write_text(f'#!/bin/sh\nexec {sys.executable} -m lsp_server.cli "$@"\n')
    (programs / "midspan").chmod(0o755)
    kinds = {"CONFIG": ".config", "DATA": ".local/share", "CACHE": ".cache"}
    variables = {f"XDG_{kind}_HOME": str(home / name) for kind, name in kinds.items()}
    variables |= {"HOME": str(home), "PATH": f"{programs}:{os.environ['PATH']}", "EXTENSIONS_GALLERY": "{}"}
    with pytest.MonkeyPatch.context() as monkeypatch, place(monkeypatch):
        monkeypatch.setenv("PATH", variables["PATH"])  # where `midspan` is found
        before = texts(home)
        said = setup(variables, "--yes", "--no-model")
        assert said.count("Written: ") == len(BY_HAND)
        assert "midspan-builtin" in said
        written = texts(home)
        assert [name for name in BY_HAND if written[name] == before[name]] == []
        assert setup(variables, "--dry-run", "--no-model").count("It is set up already.") == len(BY_HAND)
        yield home, variables
        assert texts(home) == written  # no editor has changed them
        setup(variables, "--undo")
        assert texts(home) == before
        assert (home / ".config/nvim/init.lua").is_symlink()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "shop/real.py"
    (source.parent / ".git").mkdir(parents=True)
    source.write_text(CALL + CALL)
    return source


def test_neovim_completes_after_setup(home, source, tmp_path):
    socket, log_file = tmp_path / "nvim.sock", tmp_path / "log"
    log_file.touch()
    command = ["nvim", "--headless", "--listen", socket, source]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=os.environ | home[1])
    try:
        editor = Neovim(attach(socket), process, log_file)
        editor.until(lambda: editor.status().get("ready"), "the model is not ready")
        editor.type(f"gmGo{BEGUN}<M-a>")
        editor.until(editor.ghost_text, "no ghost text")
        editor.type("<Tab>")
        editor.until(lambda: is_completed("\n".join(editor.lines())), "Tab did not accept")
        assert editor.api.vars["by_hand"] == "still here"
        editor.api.command("qall!", async_=True)
        process.wait(60)
    finally:
        process.kill()
        process.wait()


def test_emacs_completes_after_setup(home, source, tmp_path):
    listen = tmp_path / "listen.el"
    listen.write_text(LISTEN.format(socket=json.dumps(str(tmp_path / "ask"))))
    with terminal(home[1], emacs_program.PROGRAM, "-nw", "-l", listen) as shown:
        editor = Emacs(shown, tmp_path)
        editor.until(editor.listens, "Emacs does not start")
        editor.open(source, CALL + CALL)
        editor.type(BEGUN)
        editor.command("midspan-complete")
        editor.until(editor.ghost_text, "no ghost text")
        editor.press("Tab")
        editor.until(lambda: is_completed(editor.text()), "TAB did not accept")
        assert editor.lisp("by-hand") == "still here"


def test_code_server_completes_after_setup(home, source, browser: Browser, tmp_path):
    folder, variables = home
    user_file = folder / ".local/share/code-server/User/settings.json"
    user_file.parent.mkdir(exist_ok=True)
    user_file.write_text(json.dumps(SETTINGS))
    config = folder / ".config/code-server/config.yaml"
    command = [str(SERVER), "--disable-workspace-trust"]
    with workbench(browser, command, config, variables, source.parent) as page:
        editor = VSCode(page, source.parent, user_file, tmp_path / "log")
        editor.wait_for(editor.status.filter(has_text="builtin"))
        editor.open(source.name, CALL + CALL)
        editor.type(BEGUN)
        editor.press("Alt+Backslash")
        editor.until(editor.ghost_text, "no ghost text")
        editor.press("Tab")
        assert is_completed(editor.saved(source))
        size = page.locator(".view-line").first.evaluate("(line) => getComputedStyle(line).fontSize")
        assert size == "21px"
