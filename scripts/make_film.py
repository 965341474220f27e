"""Writes docs/film.gif, the animated picture on top of the README, from a session of Neovim in a real terminal.

usage, from the repository's root: PYTHONPATH=. python scripts/make_film.py MODEL

MODEL is the name or the folder of a model, such as Qwen2.5-Coder-0.5B. The keys are typed by this script; the texts are
the model's, and the frames last as long as they lasted.
"""

import io
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from io import StringIO
from itertools import pairwise
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page
from rich.console import Console
from rich.text import Text

from tests.e2e.neovim import PROGRAM, ROOT, Neovim, attach, start_file
from tests.e2e.terminal import LINES, Terminal, terminal
from tests.e2e.vscode import chromium
from tests.e2e.waiting import WAIT_S, wait_until
from tests.lsp_server.daemons import place

FILM = ROOT / "docs/film.gif"
FILE = """\
from dataclasses import dataclass, field


@dataclass
class Item:
    name: str
    price_cents: int
    count: int = 1


@dataclass
class Basket:
    items: list[Item] = field(default_factory=list)

    def total_cents(self) -> int:
        return sum(item.price_cents * item.count for item in self.items)

"""
# What is typed before each suggestion, which Tab then accepts.
TYPED = (
    "    def find(self, name: str) -> Item | None:\n        for ",
    "\n            if ",
    "\n                return ",
)
SETTINGS = '[completion]\neagerness = "high"\n'
LOOKS = """
vim.cmd('filetype indent off')
vim.o.number = true; vim.o.laststatus = 2; vim.o.ruler = false; vim.o.showcmd = false; vim.o.termguicolors = true
vim.o.autoindent = false; vim.g.loaded_matchparen = 1
vim.o.statusline = ' basket.py %= %{v:lua.require("midspan").statusline()} '
vim.cmd('highlight StatusLine guibg=#2c2e33 guifg=#9b9ea4 gui=NONE')
vim.cmd('highlight ComplHint guifg=#8a90a8')
"""
_KEY_S = 0.075
_READ_S = 1.4  # the time that a user looks at a suggestion
_PAGE = """<meta charset="utf-8"><body style="margin: 0; background: #14161b">
<pre style="margin: 12px; font: 15px/1.3 'DejaVu Sans Mono'; color: #e0e2ea">{code}</pre>"""


@dataclass
class Camera:
    """Takes the frames of a terminal, each with the time at which it was there first."""

    shown: Terminal
    frames: list[tuple[float, str, tuple[int, int] | None]] = field(default_factory=list)

    def take(self, for_s: float) -> None:
        """Take frames for this time; a frame like the last one is part of it."""
        end = time.monotonic() + for_s
        while True:
            frame = (self.shown.colored(), self.shown.frame().cursor)
            if not self.frames or self.frames[-1][1:] != frame:
                self.frames.append((time.monotonic(), *frame))
            if time.monotonic() >= end:
                return
            time.sleep(0.02)

    def take_until(self, condition: Callable[[], object]) -> None:
        """Take frames until the condition is true."""
        end = time.monotonic() + WAIT_S
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("nothing was suggested; the screen:\n" + "\n".join(self.shown.screen()))
            self.take(0.04)


def play(editor: Neovim, camera: Camera) -> None:
    """Write a method with the model."""

    def keys(text: str) -> None:
        for piece in re.findall(r"\n| {2,}|.", text):  # an indentation is one key, as an editor makes it
            editor.type({"\n": "<CR>", "<": "<lt>"}.get(piece, piece))
            camera.take(_KEY_S)

    def press(key: str, then_s: float) -> None:
        editor.type(key)
        camera.take(then_s)

    camera.take(0.8)
    press("G", 0.2)
    press("o", 0.2)
    for text in TYPED:
        keys(text)
        camera.take_until(editor.ghost_text)
        camera.take(_READ_S)
        press("<Tab>", 0.7)
    press("<Esc>", 2.0)


def draw(page: Page, ansi: str, cursor: tuple[int, int] | None) -> Image.Image:
    """Draw a frame with its cursor."""
    text = Text("\n").join(
        _with_cursor(Text.from_ansi(line), row, cursor) for row, line in enumerate(ansi.split("\n")[:LINES])
    )
    console = Console(record=True, width=100, file=StringIO(), color_system="truecolor")
    console.print(text, end="")
    page.set_content(_PAGE.format(code=console.export_html(inline_styles=True, code_format="{code}")))
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def _with_cursor(line: Text, row: int, cursor: tuple[int, int] | None) -> Text:
    if cursor is not None and cursor[1] == row:
        line.append(" " * max(0, cursor[0] + 1 - len(line)))
        line.stylize("reverse", cursor[0], cursor[0] + 1)
    return line


def write(camera: Camera, path: Path) -> None:
    """Draw the frames and write the film, with the colors of all frames in one palette."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 940, "height": 24 + round(19.5 * LINES)})
        pictures = [draw(page, ansi, cursor) for _, ansi, cursor in camera.frames]
    palette = pictures[len(pictures) // 2].quantize(64, dither=Image.Dither.NONE)
    indexed = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    times = [began for began, *_ in camera.frames]
    lasted_ms = [max(20, round(1000 * (after - began))) for began, after in pairwise(times)]
    indexed[0].save(path, save_all=True, append_images=indexed[1:], duration=[*lasted_ms, 3000], loop=0, optimize=True)
    print(f"{path}: {len(indexed)} frames, {sum(lasted_ms) / 1000:.0f} s, {path.stat().st_size / 1e6:.2f} MB")


def main(model: str) -> None:
    import pytest  # its MonkeyPatch makes a runtime folder of the film's own

    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as monkeypatch, place(monkeypatch):
        folder = Path(name) / "shop"
        (folder / ".git").mkdir(parents=True)
        file = folder / "basket.py"
        file.write_text(FILE)
        user_settings = folder / "CONFIG/midspan/midspan.toml"
        user_settings.parent.mkdir(parents=True)
        user_settings.write_text(SETTINGS)
        started = start_file(folder, "--model", model, setup=LOOKS)
        variables = started.variables | {"TERM": "tmux-256color", "COLORTERM": "truecolor"}
        with terminal(variables, PROGRAM, *started.arguments, file) as shown:
            editor = Neovim(attach(started.socket), None, started.log_file)
            wait_until(lambda: editor.api.vvars["vim_did_enter"], lambda: "Neovim does not start")
            editor.until(lambda: editor.status().get("ready"), "the model is not ready")
            time.sleep(3)  # the file's prompt is read, as after some seconds of work
            camera = Camera(shown)
            play(editor, camera)
            editor.api.command("qall!", async_=True)
        subprocess.run([sys.executable, "-m", "lsp_server.cli", "daemon", "stop"], check=True)
    write(camera, FILM)


if __name__ == "__main__":
    main(sys.argv[1])
