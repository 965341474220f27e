"""A real Emacs in a terminal, with our mode and our server, that evaluates expressions for a test."""

import json
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tests.e2e.emacs import PROGRAM
from tests.e2e.neovim import ROOT
from tests.e2e.terminal import Terminal, terminal
from tests.e2e.waiting import WAIT_S
from tests.lsp_server.daemons import daemon_status

MODE = ROOT / "editors/emacs"

LOAD = f"(add-to-list 'load-path {json.dumps(str(MODE))}) (require 'midspan)"

T = TypeVar("T")

_INIT = """\
;; -*- lexical-binding: t -*-
(setq make-backup-files nil auto-save-default nil create-lockfiles nil inhibit-startup-screen t
      eglot-confirm-server-edits nil eglot-autoshutdown nil eglot-sync-connect 60
      flymake-indicator-type nil python-indent-guess-indent-offset nil vc-handled-backends nil
      suggest-key-bindings nil use-dialog-box nil confirm-kill-processes nil)
{load}
(setq midspan-command '({command}))
(midspan-setup)
(menu-bar-mode -1)
"""

# Emacs listens on a socket: each connection sends one expression, and reads its value as JSON.
LISTEN = """\
;; -*- lexical-binding: t -*-
(make-network-process
 :name "ask" :server t :family 'local :service {socket} :noquery t
 :filter (lambda (process text)
           (let ((said (concat (process-get process 'said) text)))
             (process-put process 'said said)
             (when (string-suffix-p "\\0" said)
               (process-send-string
                process
                (json-serialize
                 (condition-case failure
                     (list :value (with-current-buffer (window-buffer (selected-window))
                                    (eval (read (decode-coding-string said 'utf-8)) t)))
                   (error (list :failure (error-message-string failure))))
                 :null-object nil))
               (delete-process process)))))
"""


class Emacs:
    """A running Emacs: `press` and `type` are its keyboard, `lisp` evaluates an expression in it."""

    def __init__(self, shown: Terminal, folder: Path) -> None:
        self.shown = shown
        self.folder = folder

    def type(self, text: str) -> None:
        """Type characters, as from a keyboard."""
        self.shown.type(text)

    def press(self, *keys: str) -> None:
        """Press keys by their names in tmux."""
        for key in keys:
            self.shown.press(key)

    def listens(self) -> bool:
        """Return whether Emacs takes connections: the socket's file is there a moment before it does."""
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(str(self.folder / "ask")) == 0

    def lisp(self, expression: str) -> Any:
        """Return the value of an expression in the selected window's buffer."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(WAIT_S)
            connection.connect(str(self.folder / "ask"))
            connection.sendall(f"{expression}\0".encode())
            answer = b""
            while piece := connection.recv(1 << 16):
                answer += piece
        said = json.loads(answer)
        if "failure" in said:
            raise RuntimeError(f"{expression}: {said['failure']}")
        return said["value"]

    def text(self) -> str:
        """Return the text of the selected window's buffer."""
        return str(self.lisp("(buffer-substring-no-properties (point-min) (point-max))"))

    def ghost_text(self) -> str:
        """Return the ghost text, or ""."""
        shown = self.lisp(
            "(and midspan--overlay (substring-no-properties (overlay-get midspan--overlay 'after-string)))"
        )
        return str(shown or "")

    def see(self, ghost_text: str) -> None:
        self.until(lambda: self.ghost_text() == ghost_text, f"no ghost text {ghost_text!r}")

    def screen(self) -> str:
        return "\n".join(self.shown.screen())

    def command(self, name: str) -> None:
        """Run a command by M-x and its name."""
        self.press("M-x")
        self.type(name)
        self.press("Enter")

    def open(self, path: Path, text: str) -> None:
        """Write a file with this text and open it in the only window; wait until Midspan is connected."""
        path.write_text(text)
        self.lisp(f"(progn (delete-other-windows) (find-file {json.dumps(str(path))}) (goto-char (point-max)) t)")
        self.press("C-l")  # eglot connects after a command
        # A question in the minibuffer may have taken the window meanwhile.
        mode = f"(and (buffer-local-value 'midspan-mode (get-file-buffer {json.dumps(str(path))})) t)"
        self.until(lambda: self.lisp(mode), "Midspan is not connected")

    def daemon_pid(self) -> int:
        """Return the id of the process with the model."""
        return int(daemon_status()["pid"])

    def until(self, condition: Callable[[], T], what: str) -> T:
        """Return the first true value of the condition, which other processes make true."""
        return self.shown.until(condition, what)


@contextmanager
def emacs(
    folder: Path, *arguments: str | Path, load: str = LOAD, setup: str = "", scripted: bool = False
) -> Iterator[Emacs]:
    """Start Emacs without a file. `load` is the Lisp that brings our package, `setup` follows ours.

    When `scripted`, the server is serve_scripted.py, in the folder; else the arguments are those of `midspan serve`.
    """
    command = [sys.executable, "-m", "lsp_server.cli", "serve", *map(str, arguments)]
    command += ["--log-file", str(folder / "midspan.log")]
    if scripted:
        command = [sys.executable, str(Path(__file__).with_name("serve_scripted.py")), str(folder)]
    values = {"load": load, "socket": json.dumps(str(folder / "ask"))}
    init = folder / "init.el"
    text = _INIT.format(command=" ".join(map(json.dumps, command)), **values)
    init.write_text(text + LISTEN.format(**values) + setup)
    home = folder.with_name(f"{folder.name}-home")  # a folder that is the user's home is no workspace
    home.mkdir()
    variables = {"HOME": str(home), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLORTERM": "truecolor"}
    with terminal(variables, PROGRAM, "-nw", "-Q", "-l", init) as shown:
        editor = Emacs(shown, folder)
        editor.until(editor.listens, "Emacs does not start")
        yield editor
