"""A terminal without a screen: tmux, with a server of its own."""

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

from tests.e2e.neovim import ROOT
from tests.e2e.waiting import WAIT_S, wait_until

LINES = 24
TMUX = ROOT / ".tools/tmux/tmux"

T = TypeVar("T")


@dataclass(frozen=True)
class Frame:
    """The lines without spaces at their ends, and the cursor's column and row.

    The cursor is None while the program hides it, as programs do while they draw.
    """

    lines: list[str]
    cursor: tuple[int, int] | None


class Terminal:
    """A program in a window of 100 columns."""

    def __init__(self, name: str) -> None:
        self._name = name

    def tmux(self, *arguments: str | Path) -> str:
        command = [TMUX, "-L", self._name, "-f", os.devnull, "-u", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def type(self, text: str) -> None:
        """Type characters, as from a keyboard."""
        self.tmux("send-keys", "-l", text)

    def press(self, key: str) -> None:
        """Press a key by its name in tmux, such as "C-u" or "Tab"."""
        self.tmux("send-keys", key)

    def frame(self) -> Frame:
        cursor = ("display-message", "-p", "#{cursor_flag} #{cursor_x} #{cursor_y}")
        *lines, said, _ = self.tmux("capture-pane", "-p", ";", *cursor).split("\n")
        is_visible, column, row = map(int, said.split())
        return Frame([line.rstrip() for line in lines], (column, row) if is_visible else None)

    def screen(self) -> list[str]:
        """Return the lines of a frame, without spaces at their ends."""
        return self.frame().lines

    def until(self, condition: Callable[[], T], what: str) -> T:
        """Return the first true value of the condition, which other processes make true."""
        return wait_until(condition, lambda: f"{what}; the screen:\n" + "\n".join(self.screen()))

    def colored(self) -> str:
        """Return a frame with its colors, as a terminal's escape sequences."""
        return self.tmux("capture-pane", "-p", "-e")


@contextmanager
def terminal(variables: Mapping[str, str], *command: str | Path) -> Iterator[Terminal]:
    """Run the program in a terminal, and end both afterwards."""
    shown = Terminal(f"midspan-{uuid.uuid4().hex[:8]}")
    environment = [f"{name}={value}" for name, value in variables.items()]
    shown.tmux("new-session", "-d", "-x", "100", "-y", str(LINES), "env", *environment, *command)
    try:
        yield shown
    finally:
        ending: list[psutil.Process] = []
        # The server may have ended with the program.
        with suppress(subprocess.CalledProcessError, psutil.NoSuchProcess, ValueError):
            program = psutil.Process(int(shown.tmux("display-message", "-p", "#{pane_pid}")))
            ending = [program, *program.children(recursive=True)]
        with suppress(subprocess.CalledProcessError):
            shown.tmux("kill-server")
        # An editor's relay that outlived its daemon would start another one.
        psutil.wait_procs(ending, WAIT_S)
