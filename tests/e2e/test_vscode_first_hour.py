"""The first hour of a new user of VS Code, step by step. With MIDSPAN_PICTURES each step leaves pictures in docs."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e import picture, serve_scripted
from tests.e2e.vscode import ROOT, VSCode, vscode

LOOKS = {
    "workbench.colorTheme": "Light Modern",
    "editor.stickyScroll.enabled": False,
    "files.exclude": {"**/.venv": True},
}
ANSWERS = {
    "def area(self) -> float:\n        ": picture.BODY,
    "def cost(self, price: float) -> float:\n        ": "return round(self.area() * price, 2)",
    "cheaper?\n": (
        "`Floor.area` adds up the areas of its rooms at **each** call. Rooms are frozen, so keep the sum:\n\n"
        "```python\n@cached_property\ndef area(self) -> float:\n"
        "    areas = (room.area() for room in self.rooms)\n    return round(sum(areas), 1)  # in m²\n```"
    ),
    "new text of this part.\n": (
        "```python\n    def area(self) -> float:\n"
        '        """Return the area in m²."""\n        return self.width_m * self.length_m\n```'
    ),
}
FILE = picture.FILE.rstrip() + "\n\n"


@pytest.fixture(scope="module")
def user(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VSCode]:
    """A VS Code with the extension and without the program, and no chat model in the program's settings."""
    folder = tmp_path_factory.mktemp("first-hour")
    (folder / "answers.json").write_text(json.dumps(ANSWERS))
    (folder / "no-chat").touch()
    with vscode(browser, folder, folder / "midspan", folder / "midspan.log", LOOKS, model="Midspan") as user:
        user.page.set_viewport_size({"width": 1080, "height": 640})
        user.page.mouse.move(350, 300)
        user.page.mouse.down()
        user.page.mouse.move(440, 300)  # the side bar is wider
        user.page.mouse.up()
        user.page.mouse.move(0, 0)
        yield user


def install(program: Path) -> None:
    """Install the program as a user does it who declines the private environment."""
    program.write_text(
        f'#!/bin/sh\nif [ "$1" = serve ]; then\n'
        f"  exec {sys.executable} -P {serve_scripted.__file__} {program.parent}\nfi\n"
        f'cd {ROOT}; exec {sys.executable} -m lsp_server.cli "$@"\n'
    )
    program.chmod(0o755)


def shoot(user: VSCode, name: str) -> None:
    """Take a picture in a light and in a dark theme, if pictures are wanted."""
    if not picture.WANTED:
        return
    for shade, ui_theme in (("Light", "vs"), ("Dark", "vs-dark")):
        user.set(workbench__colorTheme=f"{shade} Modern")
        user.page.locator(f".monaco-workbench.{ui_theme}").wait_for()
        user.page.wait_for_timeout(1000)  # colors fade
        picture.FIRST_HOUR.mkdir(exist_ok=True)
        user.page.screenshot(path=picture.FIRST_HOUR / f"{name}-{shade.lower()}.png")
    user.set(workbench__colorTheme=LOOKS["workbench.colorTheme"])


def test_who_installs_the_program_alone_declines_the_offer_and_restarts(user: VSCode):
    toast = user.page.locator(".notification-toast", has_text="Midspan's program is not on")
    user.wait_for(toast)
    shoot(user, "install")
    toast.locator(".monaco-button", has_text="Not Now").click()
    install(user.workspace.parent / "midspan")
    user.run("Midspan: Restart the Server")
    user.wait_for(user.status.filter(has_text="fake"))
    user.set(workbench__statusBar__visible=False)  # the name in it is the scripted model's


def test_the_walkthrough_shows_the_first_steps(user: VSCode):
    user.run("Midspan: Get Started")
    steps = user.page.locator(".getting-started-step")
    user.wait_for(steps.filter(has_text="Type, and accept ghost text"))
    steps.filter(has_text="Ask, fix, edit").click()
    user.press("Control+b")  # there is room for the text beside the steps
    user.wait_for(user.page.locator(".getting-started-media"))
    user.page.mouse.move(0, 0)
    shoot(user, "walkthrough")
    user.press("Control+b", "Control+w")


def test_ghost_text_is_accepted(user: VSCode):
    file = user.open("rooms.py", FILE)
    user.type("    def area(self) -> float:")
    user.press("Enter")
    user.until(lambda: "return round(total, 1)" in user.ghost_text(), "there is no ghost text")
    shoot(user, "ghost-text")
    user.press("Tab")
    assert "return round(total, 1)" in user.saved(file)


def test_an_error_has_the_button_that_mends_it(user: VSCode):
    user.run("Midspan: Explain")
    chat = user.chat()
    mend = chat.locator(".error button", has_text="Select a chat model")
    user.wait_for(mend)
    assert chat.locator(".error p").inner_text() == "No model is set to chat with."
    shoot(user, "error")
    mend.click()
    user.wait_for(user.page.locator(".quick-input-list .monaco-list-row", has_text="recommended"))
    shoot(user, "models")
    user.press("Escape")
    user.set(midspan__chat__model="fake-chat")


def test_the_chat_lists_what_it_has_read(user: VSCode):
    user.run("Midspan: New Conversation")
    chat = user.chat()
    chat.locator("#question").fill("Can @rooms.py be made cheaper?")
    chat.locator("#send").click()
    user.wait_for(chat.locator(".used li", has_text="rooms.py"))
    shoot(user, "chat")
    if picture.WANTED:
        shoot_ghost_text_beside_the_chat(user)


def shoot_ghost_text_beside_the_chat(user: VSCode) -> None:
    """Take the picture of the extension's own page."""
    user.page.locator(".editor-instance .view-lines").first.click()
    user.press("Control+End")
    user.put("\n\n")
    user.press("Shift+Tab", "Shift+Tab")
    user.put("    def cost(self, price: float) -> float:")
    user.press("Enter")
    user.until(lambda: "price" in user.ghost_text(), "there is no ghost text")
    user.page.wait_for_timeout(1000)  # the bar of the scrolled editor fades
    user.page.screenshot(path=ROOT / "editors/vscode/picture.png")
    user.press("Escape", *["Control+z"] * 6)


def test_an_edit_is_a_diff_before_it_is_made(user: VSCode):
    user.select("Control+Home", *["ArrowDown"] * 8, *["Shift+ArrowDown"] * 2)
    user.run("Midspan: Edit by Instruction…")
    user.page.locator(".quick-input-widget input").fill("write the docstring")
    user.press("Enter")
    user.wait_for(user.accept_button)
    user.until(lambda: "Return the area" in user.side("modified"), "there is no diff")
    shoot(user, "edit")
    user.accept("rooms.py")
