"""What a user sees while typing fast: real frames of a real terminal."""

import json
from pathlib import Path

import pytest

from tests.e2e import picture
from tests.e2e.neovim import PROGRAM, PROGRAM_0_11, ROOT, attach, start_file
from tests.e2e.terminal import LINES, terminal
from tests.e2e.typist import ANSWERS, Typist

ATTACHED = "return #vim.lsp.get_clients({ bufnr = 0 }) > 0 and vim.lsp.get_clients()[1].initialized"
LOOKS = "vim.o.number = true; vim.o.laststatus = 2; vim.o.termguicolors = true; vim.o.shiftwidth = 4\n" + (
    "vim.o.statusline = '%t %m%=%{v:lua.require(\"midspan\").statusline()}  %l:%c'"
)


@pytest.mark.parametrize("program", [PROGRAM, PROGRAM_0_11], ids=["0.12", "0.11"])
def test_typing_twenty_characters_a_second_never_shows_stale_text(tmp_path: Path, program: Path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "answers.json").write_text(json.dumps(ANSWERS))
    started = start_file(tmp_path, scripted=True, setup="vim.o.showcmd = false")
    with terminal(started.variables, program, *started.arguments, tmp_path / "a.py") as shown:
        api = attach(started.socket)
        shown.until(lambda: api.exec_lua(ATTACHED), "the server is not attached")
        shown.type("i")
        shown.until(lambda: "-- INSERT --" in shown.screen(), "Neovim does not insert")
        typist = Typist(shown)
        typist.type_at_random(lambda: shown.press("C-u"))
        assert typist.ghost_frames > 10
        api.command("qall!", async_=True)


def test_a_picture_of_grey_text_at_work(tmp_path: Path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "answers.json").write_text(json.dumps({"def area(self):\n        ": picture.BODY}))
    (tmp_path / "rooms.py").write_text(picture.FILE)
    started = start_file(tmp_path, scripted=True, setup=f"vim.o.showcmd = false\n{LOOKS}")
    with terminal(started.variables, PROGRAM, *started.arguments, tmp_path / "rooms.py") as shown:
        api = attach(started.socket)
        shown.until(lambda: api.exec_lua(ATTACHED), "the server is not attached")
        shown.type("GA    def area(self):")
        shown.press("Enter")
        shown.until(lambda: any("return round" in line for line in shown.screen()), "no ghost text")
        assert api.current.line.strip() == ""  # so what the terminal shows is ghost text
        if picture.WANTED:
            picture.draw(shown.colored(), ROOT / "editors/nvim/picture.png", LINES)
        api.command("qall!", async_=True)
