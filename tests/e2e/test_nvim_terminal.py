"""A user of Neovim types fast and sees the frames of a real terminal."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import picture
from tests.e2e.neovim import PROGRAM, PROGRAM_0_11, attach, start_file
from tests.e2e.scripted import scripted_project
from tests.e2e.terminal import LINES, Terminal, terminal
from tests.e2e.typist import ANSWERS, Typist

ATTACHED = "return #vim.lsp.get_clients({ bufnr = 0 }) > 0 and vim.lsp.get_clients()[1].initialized"
LOOKS = "vim.o.number = true; vim.o.laststatus = 2; vim.o.termguicolors = true; vim.o.shiftwidth = 4\n" + (
    "vim.o.statusline = '%t %m%=%{v:lua.require(\"midspan\").statusline()}  %l:%c'"
)


@contextmanager
def neovim_in_terminal(program: Path, file: Path, setup: str = "") -> Iterator[tuple[Terminal, Any]]:
    """Start Neovim with this file in a terminal; give the terminal and pynvim's connection to the attached Neovim."""
    started = start_file(file.parent, scripted=True, setup=f"vim.o.showcmd = false\n{setup}")
    with terminal(started.variables, program, *started.arguments, file) as shown:
        api = attach(started.socket)
        shown.until(lambda: api.exec_lua(ATTACHED), "the server is not attached")
        yield shown, api
        api.command("qall!", async_=True)


@pytest.mark.parametrize("program", [PROGRAM, PROGRAM_0_11], ids=["0.12", "0.11"])
def test_typing_twenty_characters_a_second_never_shows_stale_text(tmp_path: Path, program: Path):
    scripted_project(tmp_path, ANSWERS)
    with neovim_in_terminal(program, tmp_path / "a.py") as (shown, _api):
        shown.type("i")
        shown.until(lambda: "-- INSERT --" in shown.screen(), "Neovim does not insert")
        typist = Typist(shown)
        typist.type_at_random(lambda: shown.press("C-u"))
        assert typist.ghost_frames > 10


def test_a_picture_of_ghost_text_at_work(tmp_path: Path):
    scripted_project(tmp_path, {"def area(self):\n        ": picture.BODY})
    file = tmp_path / "rooms.py"
    file.write_text(picture.FILE)
    with neovim_in_terminal(PROGRAM, file, LOOKS) as (shown, api):
        shown.type("GA    def area(self):")
        shown.press("Enter")
        shown.until(lambda: any("return round" in line for line in shown.screen()), "no ghost text")
        assert api.current.line.strip() == ""  # so the text in the terminal is ghost text
        for shade in picture.SHADES if picture.WANTED else ():
            api.command(f"set background={shade} | mode")
            time.sleep(1)  # the terminal draws
            picture.draw(shown.colored(), picture.GHOST_TEXT / f"neovim-{shade}.png", LINES, shade)
