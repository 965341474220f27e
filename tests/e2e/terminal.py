"""A terminal without a screen: tmux, of a server of its own."""

import os
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.e2e.neovim import ROOT

LINES = 24
TMUX = ROOT / ".tools/tmux/tmux"


class Terminal:
    """A program in a window of 100 columns."""

    def __init__(self, name: str) -> None:
        self._name = name

    def tmux(self, *arguments: str | Path) -> str:
        command = [TMUX, "-L", self._name, "-f", os.devnull, "-u", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def type(self, text: str) -> None:
        """Characters, as from a keyboard."""
        self.tmux("send-keys", "-l", text)

    def press(self, key: str) -> None:
        """A key by tmux's name of it, such as "C-u" or "Tab"."""
        self.tmux("send-keys", key)

    def screen(self) -> list[str]:
        """The lines of one frame."""
        return self.tmux("capture-pane", "-p").split("\n")

    def colored(self) -> str:
        """One frame with its colors, as a terminal's escape sequences."""
        return self.tmux("capture-pane", "-p", "-e")


@contextmanager
def terminal(variables: Mapping[str, str], *command: str | Path) -> Iterator[Terminal]:
    """The program runs in it until the end."""
    shown = Terminal(f"midspan-{uuid.uuid4().hex[:8]}")
    environment = [f"{name}={value}" for name, value in variables.items()]
    shown.tmux("new-session", "-d", "-x", "100", "-y", str(LINES), "env", *environment, *command)
    try:
        yield shown
    finally:
        with suppress(subprocess.CalledProcessError):  # it has left with the program
            shown.tmux("kill-server")
