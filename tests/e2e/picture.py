"""A picture of a terminal for the documentation: Chromium draws a frame of tmux."""

import os
import subprocess
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.e2e.neovim import ROOT

# With this variable the tests write the pictures of the documentation.
WANTED = "MIDSPAN_PICTURES" in os.environ
GHOST_TEXT = ROOT / "docs/pictures"  # EDITOR-SHADE.png, of each editor
# Of each shade, the background and the text: those of Neovim's own colors.
SHADES = {"light": ("#e0e2ea", "#14161b"), "dark": ("#14161b", "#e0e2ea")}
# The documentation shows the pictures of this folder that git has; the others are there to be looked at.
FIRST_HOUR = ROOT / "docs/first-hour"
# The pictures of every editor show this file, and BODY as ghost text below its last line.
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
_PAGE = """<meta charset="utf-8"><body style="margin: 0; background: {background}">
<pre style="margin: 12px; font: 15px/1.3 'DejaVu Sans Mono'; color: {text}">{code}</pre>"""


def draw(ansi: str, png: Path, lines: int, shade: str = "dark") -> None:
    """Draw a frame of `lines` lines of 100 columns, in which a program shows its colors of a shade."""
    console = Console(record=True, width=100, file=StringIO(), color_system="truecolor")
    console.print(Text.from_ansi(ansi), end="")
    html = png.with_suffix(".html")
    background, text = SHADES[shade]
    code = console.export_html(inline_styles=True, code_format="{code}")
    html.write_text(_PAGE.format(background=background, text=text, code=code), encoding="utf-8")
    size = f"--window-size=940,{24 + round(19.5 * lines)}"
    browser = [str(ROOT / ".tools/browser/chromium"), "--headless", "--no-sandbox", "--hide-scrollbars", size]
    try:
        subprocess.run([*browser, f"--screenshot={png}", html.as_uri()], check=True, capture_output=True, timeout=120)
    finally:
        html.unlink()
