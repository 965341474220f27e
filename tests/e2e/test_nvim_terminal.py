"""What a user sees while typing fast: real frames of a real terminal."""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e import picture
from tests.e2e.neovim import PROGRAM, PROGRAM_0_11, ROOT, WAIT_S, attach, start_file
from tests.e2e.terminal import LINES, Terminal, terminal

GOAL = "x = first_word + second.word()"
ANSWERS = {GOAL[:length]: GOAL[length:] for length in range(4, len(GOAL))}
KEY_S = 1 / 20

ATTACHED = "return #vim.lsp.get_clients({ bufnr = 0 }) > 0 and vim.lsp.get_clients()[1].initialized"
LOOKS = "vim.o.number = true; vim.o.laststatus = 2; vim.o.termguicolors = true; vim.o.shiftwidth = 4\n" + (
    "vim.o.statusline = '%t %m%=%{v:lua.require(\"midspan\").statusline()}  %l:%c'"
)
FILE = """\
from dataclasses import dataclass


@dataclass(frozen=True)
class Room:
    width_m: float
    length_m: float

    def area(self) -> float:
        return self.width_m * self.length_m


@dataclass(frozen=True)
class Floor:
    rooms: tuple[Room, ...]


"""
BODY = "total = sum(room.area() for room in self.rooms)\n        return round(total, 1)"


@pytest.mark.parametrize("program", [PROGRAM, PROGRAM_0_11], ids=["0.12", "0.11"])
def test_typing_twenty_characters_a_second_never_shows_stale_text(tmp_path: Path, program: Path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "answers.json").write_text(json.dumps(ANSWERS))
    started = start_file(tmp_path, scripted=True, setup="vim.o.showcmd = false")
    rng = random.Random(5)
    with terminal(started.variables, program, *started.arguments, tmp_path / "a.py") as shown:
        api = attach(started.socket)
        typing = Typing(shown)
        typing.until(lambda: api.exec_lua(ATTACHED))
        shown.type("i")
        typing.wait_for("-- INSERT --")
        end = time.monotonic() + 10
        while time.monotonic() < end:
            right = rng.randrange(5, len(GOAL) - 1)
            typing.type(GOAL[:4])
            typing.wait_for(GOAL)
            typing.type(GOAL[4:right])
            typing.type("".join(rng.choices("qzj", k=20)))
            typing.until(lambda: api.current.line == typing.typed)
            shown.press("C-u")
            typing.typed = ""
            typing.until(lambda: api.current.line == "")
        assert typing.grey_frames > 10
        api.command("qall!", async_=True)


def test_a_picture_of_grey_text_at_work(tmp_path: Path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "answers.json").write_text(json.dumps({"def area(self):\n        ": BODY}))
    (tmp_path / "rooms.py").write_text(FILE)
    started = start_file(tmp_path, scripted=True, setup=f"vim.o.showcmd = false\n{LOOKS}")
    with terminal(started.variables, PROGRAM, *started.arguments, tmp_path / "rooms.py") as shown:
        api = attach(started.socket)
        typing = Typing(shown)
        typing.until(lambda: api.exec_lua(ATTACHED))
        shown.type("GA    def area(self):")
        shown.press("Enter")
        typing.until(lambda: any("return round" in line for line in shown.screen()))
        assert api.current.line.strip() == ""  # so what the terminal shows is grey
        if picture.WANTED:
            picture.draw(shown.colored(), ROOT / "editors/nvim/picture.png", LINES)
        api.command("qall!", async_=True)


class Typing:
    """Types, and holds each frame to what has been typed and what was answered."""

    def __init__(self, shown: Terminal) -> None:
        self._shown = shown
        self.typed = ""
        self.grey_frames = 0

    def type(self, text: str) -> None:
        for character in text:
            began = time.monotonic()
            self._shown.type(character)
            self.typed += character
            while time.monotonic() < began + KEY_S:
                self._check()

    def wait_for(self, text: str) -> None:
        self.until(lambda: any(line.rstrip() == text for line in self._shown.screen()))

    def until(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end, "\n".join(self._shown.screen())
            time.sleep(0.02)

    def _check(self) -> None:
        """A terminal may be some keys behind, but what it shows was the text, or the text with what was answered."""
        line = self._shown.screen()[0].rstrip()
        self.grey_frames += line == GOAL
        assert line == GOAL or self.typed.startswith(line), f"{line!r} while {self.typed!r} was typed"
