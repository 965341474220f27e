"""The pictures of ghost text in the real VS Code, light and dark, written by a scripted model.

Run it from the repository's root, as `python -m tests.e2e.vscode_picture`, after `make test` has installed VS Code.
"""

import json
import sys
import tempfile
from pathlib import Path

from tests.e2e import picture, serve_scripted
from tests.e2e.vscode import chromium, vscode

_WIDTH, _HEIGHT = 860, 500
_LOOKS = {
    "workbench.activityBar.location": "hidden",
    "editor.fontSize": 15,
    "editor.stickyScroll.enabled": False,
}


def main() -> None:
    """Types a method's head into a file and takes the pictures when the body is there as ghost text."""
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        folder = Path(name)
        (folder / "answers.json").write_text(json.dumps({"def area(self) -> float:\n        ": picture.BODY}))
        program = folder / "midspan"
        program.write_text(f"#!/bin/sh\nexec {sys.executable} -P {serve_scripted.__file__} {folder}\n")
        program.chmod(0o755)
        with vscode(browser, folder, program, folder / "midspan.log", _LOOKS, model="fake") as editor:
            editor.page.set_viewport_size({"width": _WIDTH, "height": _HEIGHT})
            editor.open("rooms.py", picture.FILE.rstrip() + "\n\n")
            editor.press("Control+b")  # hides the side bar
            editor.set(workbench__statusBar__visible=False)  # the name in it is the scripted model's
            editor.type("    def area(self) -> float:")
            editor.press("Enter")
            editor.until(lambda: "return round(total, 1)" in editor.ghost_text(), "there is no ghost text")
            for shade in picture.SHADES:
                editor.set(workbench__colorTheme=f"{shade.title()} Modern")
                editor.page.wait_for_timeout(2000)  # colors fade
                editor.page.screenshot(path=picture.GHOST_TEXT / f"vscode-{shade}.png")


if __name__ == "__main__":
    main()
