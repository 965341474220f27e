"""The plugins of Neovim and Emacs work where the editor's own package manager has installed them."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e import scripted
from tests.e2e.emacs import PROGRAM as EMACS
from tests.e2e.emacs import needs_emacs
from tests.e2e.emacs_terminal import MODE, emacs
from tests.e2e.neovim import PROGRAM, PROGRAM_0_11, ROOT, Started, needs_neovim, run_neovim

GHOST_TEXT = "first_word + second.word()"
PLUGIN = ROOT / "editors/nvim"
SERVER = Path(__file__).with_name("serve_scripted.py")
# The plugin's function that run_neovim calls, for a Neovim without the plugin.
CLIENTS = """
package.preload['midspan.server'] = function()
  return { clients = function() return vim.lsp.get_clients({ name = 'midspan' }) end }
end
"""
PACKAGE_LINT = "root/usr/share/emacs/site-lisp/elpa-src/package-lint-*"


def snippet(beginning: str) -> str:
    """Return the block of Lua of Neovim's page that begins so."""
    blocks = re.findall(r"```lua\n(.*?)```", (ROOT / "docs/editors/neovim.md").read_text(encoding="utf-8"), re.DOTALL)
    (found,) = (block for block in blocks if block.startswith(beginning))
    return str(found)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with an empty Python file, and the program `midspan` in its folder `bin`."""
    folder = scripted.scripted_project(tmp_path / "project", scripted.ANSWERS)
    program = folder / "bin/midspan"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec {sys.executable} {SERVER} {folder}\n")
    program.chmod(0o755)
    (folder / "first.py").write_text("")
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository that has the plugin in the folder `editors/nvim`, as ours has."""
    folder = tmp_path / "repository"
    shutil.copytree(PLUGIN, folder / "editors/nvim")
    (folder / "README.md").write_text("The files of the plugin are in a folder.")
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for words in (["init"], ["add", "."], [*author, "commit", "-m", "all"]):
        subprocess.run(["git", "-C", str(folder), "-c", "core.excludesFile=", *words], check=True, capture_output=True)
    return folder


def start(project: Path, init: str) -> Started:
    """Describe a Neovim of a user who has this init.lua and no other file."""
    home = project.parent / "home"
    (home / "CONFIG").mkdir(parents=True)
    (home / "init.lua").write_text(f"vim.o.swapfile = false\n{init}")
    variables = {f"XDG_{kind}_HOME": str(home / kind) for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
    variables |= {"PATH": f"{project / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    arguments = ("-n", "-u", home / "init.lua", "--listen", home / "socket")
    return Started(arguments, variables, home / "socket", project / "midspan.log")


@needs_neovim
def test_vim_pack_installs_the_plugin_from_the_repository_with_the_two_lines_of_the_page(project, repository):
    lines = snippet("vim.pack.add(")
    lines = re.sub(r"https://github\.com/[\w-]+/midspan", f"file://{repository}", lines)
    assert len(lines.splitlines()) == 2
    agree = "vim.fn.confirm = function() return 1 end\n"  # the user answers "Yes" when vim.pack asks
    with run_neovim(start(project, agree + lines), project / "first.py") as editor:
        editor.type("ix = ")
        editor.see(GHOST_TEXT)
        editor.type("<Tab>")
        editor.until(lambda: editor.lines() == [f"x = {GHOST_TEXT}"], "Tab did not accept")
        editor.type("<Esc>")
        editor.api.command("help midspan-setup")
        assert editor.api.current.buffer.name.endswith("pack/core/opt/repository/editors/nvim/doc/midspan.txt")


@needs_neovim
@pytest.mark.parametrize("program", [PROGRAM, PROGRAM_0_11], ids=["0.12", "0.11"])
def test_enable_alone_starts_midspan_with_its_keys(project, program):
    init = f"vim.opt.runtimepath:prepend({json.dumps(str(PLUGIN))})\nvim.lsp.enable('midspan')\n"
    with run_neovim(start(project, init), project / "first.py", program) as editor:
        editor.type("ix = ")
        editor.see(GHOST_TEXT)
        editor.type("<Tab>")
        editor.until(lambda: editor.lines() == [f"x = {GHOST_TEXT}"], "Tab did not accept")


@needs_neovim
def test_the_entry_for_nvim_lspconfig_completes_with_the_lines_that_it_shows(project, tmp_path):
    entry = tmp_path / "entry/lsp/midspan.lua"
    entry.parent.mkdir(parents=True)
    shutil.copy(ROOT / "packaging/lspconfig/midspan.lua", entry)
    subprocess.run([sys.executable, ROOT / "packaging/fill_in.py", entry.parent], check=True)
    comment = re.sub(r"^--- ?", "", entry.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (lines,) = re.findall(r"```lua\n(.*?)```", comment, re.DOTALL)
    init = f"{CLIENTS}\nvim.opt.runtimepath:prepend({json.dumps(str(entry.parents[1]))})\n{lines}"
    with run_neovim(start(project, init), project / "first.py") as editor:
        editor.type("ix = ")
        editor.see(GHOST_TEXT)
        editor.type("<Tab>")
        editor.until(lambda: editor.lines() == [f"x = {GHOST_TEXT}"], "Tab did not accept")


@needs_neovim
def test_the_tags_of_the_help_are_those_of_its_page(tmp_path):
    shutil.copy(PLUGIN / "doc/midspan.txt", tmp_path)
    command = [str(PROGRAM), "--clean", "--headless", "-c", f"helptags {tmp_path}", "-c", "qall!"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert (tmp_path / "tags").read_text() == (PLUGIN / "doc/tags").read_text()


def package(folder: Path) -> Path:
    """Make the Emacs package of a release, an archive."""
    files = folder / "midspan-0.1.0"
    files.mkdir()
    for path in MODE.glob("*.el"):
        shutil.copy(path, files)
    subprocess.run([sys.executable, ROOT / "packaging/fill_in.py", files], check=True)
    archive = folder / f"{files.name}.tar"
    subprocess.run(["tar", "--create", "--file", archive, "--directory", folder, files.name], check=True)
    return archive


@needs_emacs
def test_package_install_file_brings_a_package_that_completes(project, tmp_path):
    archive, kept = package(tmp_path), tmp_path / "elpa"
    load = (
        f"(setq package-archives nil package-user-dir {json.dumps(str(kept))} byte-compile-warnings nil)"
        f"(package-install-file {json.dumps(str(archive))})"
    )
    with emacs(project, load=load, scripted=True) as editor:
        editor.open(project / "second.py", "")
        editor.type("x = ")
        editor.see(GHOST_TEXT)
        editor.press("Tab")
        editor.until(lambda: editor.text() == f"x = {GHOST_TEXT}", "TAB did not accept")
        assert str(editor.lisp('(locate-library "midspan")')).startswith(str(kept))
        assert editor.lisp("(package-desc-summary (cadr (assq 'midspan package-alist)))")


@needs_emacs
def test_package_lint_finds_no_fault():
    (lint,) = EMACS.parent.glob(PACKAGE_LINT)
    settings = '(setq package-lint-main-file "midspan.el" native-comp-enable-subr-trampolines nil)'
    command: list[str | Path] = [EMACS, "-Q", "--batch", "-L", lint, "--eval", settings, "-l", "package-lint"]
    command += ["--eval", "(setq package-lint-batch-fail-on-warnings t)", "-f", "package-lint-batch-and-exit"]
    done = subprocess.run(
        [*command, *sorted(path.name for path in MODE.glob("*.el"))],
        cwd=MODE,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
