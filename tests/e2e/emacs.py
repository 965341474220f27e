"""A real Emacs without a terminal, with our mode and our server in it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.neovim import ROOT

PROGRAM = ROOT / ".tools/emacs/emacs"
# In CI a missing Emacs is a failure: the project's own script installs it.
needs_emacs = pytest.mark.skipif(
    not PROGRAM.exists() and not os.environ.get("CI"), reason="Emacs is not installed: make .tools/emacs/emacs"
)

# The script does what a user does by hand: it opens the file, types, requests ghost text and accepts it. A batch has
# no loop of commands, so the script calls the commands of the mode.
_SCRIPT = """
(setq make-backup-files nil auto-save-default nil create-lockfiles nil eglot-sync-connect 60 eglot-autoshutdown nil)
(add-to-list 'load-path {mode})
(require 'midspan)
(setq midspan-command '({command}))
(defun wait-for (condition)
  (with-timeout (120 (error "nothing came"))
    (while (not (funcall condition)) (accept-process-output nil 0.05))))
(find-file {file})
(python-mode)
(eglot 'python-mode (cons 'transient {folder}) 'midspan-server midspan-command '("python"))
(midspan-mode 1)
(write-region "" nil {connected})
(wait-for (lambda () (file-exists-p {go})))
(goto-char (point-max))
(insert {text})
(defvar tick (buffer-chars-modified-tick))
(defun accepted () (midspan-accept) (/= tick (buffer-chars-modified-tick)))
(wait-for (lambda ()  ; a busy machine may take longer than a request is waited for
            (midspan-complete)
            (let ((end (+ (float-time) 5)))
              (while (and (not (accepted)) (< (float-time) end)) (accept-process-output nil 0.05)))
            (/= tick (buffer-chars-modified-tick))))
(save-buffer)
(wait-for (lambda () (not (file-exists-p {go}))))
"""


class Emacs:
    """A running Emacs, which waits for `go` when it is connected, and for `end` when it has saved its file."""

    def __init__(self, process: "subprocess.Popen[str]", connected: Path, go: Path) -> None:
        self.process = process
        self._connected = connected
        self._go = go

    def is_connected(self) -> bool:
        if self.process.poll() is not None:
            raise ChildProcessError(self.process.communicate()[0])
        return self._connected.exists()

    def go(self) -> None:
        self._go.touch()

    def end(self) -> str:
        """Let Emacs end, and return its output."""
        self._go.unlink()
        return self.process.communicate(timeout=120)[0]


@contextmanager
def emacs(folder: Path, file: Path, *arguments: str | Path, text: str) -> Iterator[Emacs]:
    """Start an Emacs that types `text` at the end of a Python file, requests ghost text there and accepts it."""
    connected, go = folder / "connected", folder / "go"
    command = [sys.executable, "-m", "lsp_server.cli", "serve", *map(str, arguments)]
    script = folder / "user.el"
    values = {"file": file, "folder": f"{folder}/", "connected": connected, "go": go, "text": text}
    values |= {"mode": ROOT / "editors/emacs"}
    lisp = {name: json.dumps(str(value)) for name, value in values.items()}
    script.write_text(_SCRIPT.format(command=" ".join(map(json.dumps, command)), **lisp))
    process = subprocess.Popen(
        [PROGRAM, "-Q", "--batch", "-l", script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"HOME": str(folder), "PYTHONPATH": str(ROOT)},
    )
    try:
        yield Emacs(process, connected, go)
    finally:
        process.kill()
        process.wait()
