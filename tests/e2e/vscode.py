"""A real VS Code (code-server) in a headless Chromium, with our extension in it."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import Browser, Error, Frame, Locator, Page, TimeoutError, sync_playwright

from tests.e2e.waiting import WAIT_S, wait_until
from tests.e2e.workbench import NO_GALLERY, workbench

ROOT = Path(__file__).parents[2]
SERVER = ROOT / ".tools/code-server/code-server"
BROWSER = ROOT / ".tools/browser/chromium"
EXTENSION = ROOT / "editors/vscode/midspan.vsix"

T = TypeVar("T")

SETTINGS = {
    "workbench.startupEditor": "none",
    "security.workspace.trust.startupPrompt": "never",
    "workbench.editor.restoreViewState": False,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "window.restoreWindows": "none",
    "window.commandCenter": False,
    "telemetry.telemetryLevel": "off",
    "extensions.autoCheckUpdates": False,
    "extensions.autoUpdate": "off",
    "update.mode": "none",
    "chat.disableAIFeatures": True,
    "editor.quickSuggestions": {"other": "off"},
    "editor.autoClosingBrackets": "never",
    "editor.fontFamily": "DejaVu Sans Mono",
    "editor.minimap.enabled": False,
    "files.autoSave": "off",
    "files.hotExit": "off",
}

# What is behind the cursor is in pieces, by its colors; each further line is one element.
# A key has changed the text at once, and what is drawn two frames later at most: until then an old ghost text stands.
_GHOST_TEXT = """
async () => {
  for (let frames = 0; frames < 2; frames++) await new Promise(requestAnimationFrame);
  const texts = (selector) => [...document.querySelectorAll(selector)].map((each) => each.textContent);
  return [texts('.ghost-text-decoration').join(''), ...texts('.suggest-preview-text .view-line')].join('\\n');
}
"""

# The last line, and the ghost text in it; taken at every frame, so that what was there for one frame is seen.
_SAMPLE = """
() => {
  window.midspanFrames = [];
  const sample = () => {
    const lines = [...document.querySelectorAll('.editor-instance .view-lines .view-line')];
    const top = (line) => parseFloat(line.style.top);
    const line = lines.sort((one, other) => top(one) - top(other)).at(-1);
    if (line) {
      const ghost = [...line.querySelectorAll('.ghost-text-decoration')].map((each) => each.textContent).join('');
      const frame = { text: line.textContent.replace(/\\u00a0/g, ' '), ghost: ghost.replace(/\\u00a0/g, ' ') };
      const last = window.midspanFrames.at(-1);
      if (!last || last.text !== frame.text || last.ghost !== frame.ghost) window.midspanFrames.push(frame);
    }
    window.midspanSampler = requestAnimationFrame(sample);
  };
  sample();
}
"""


class VSCode:
    """A running VS Code: its methods are what a user does and sees."""

    def __init__(self, page: Page, workspace: Path, settings_file: Path, log_file: Path) -> None:
        self.page = page
        self.workspace = workspace
        self.settings_file = settings_file
        self.log_file = log_file
        self.status = page.locator('.statusbar-item[id*="midspan.status"]')
        self.accept_button = page.locator('.editor-actions .action-label[aria-label^="Accept"]')
        self.reject_button = page.locator('.editor-actions .action-label[aria-label^="Reject"]')
        self._times_set = 0

    def open(self, name: str, text: str) -> Path:
        """Write and open a file of the workspace, with the cursor at its end."""
        file = self.workspace / name
        file.write_text(text, encoding="utf-8")
        explorer = self.page.locator(".explorer-folders-view")
        row = explorer.locator(".monaco-list-row").get_by_text(name, exact=True)
        tab = self.page.locator(f'.tab.active[data-resource-name="{name}"]')
        # The explorer draws the rows in view alone, and other tests have left many files: look from its top to its end.
        # A view that opens late, such as the chat, may take its place again, and a row come where it was looked for.
        for down_pixels in (0, 0, -50_000, *[200] * 15, -50_000, *[200] * 15):
            if not explorer.is_visible():
                self.page.keyboard.press("Control+Shift+e")
            with suppress(Error):
                explorer.hover(timeout=3000)
                self.page.mouse.wheel(0, down_pixels)
                row.wait_for(timeout=500 if down_pixels > 0 else 3000)
                row.dblclick(timeout=3000)
                tab.wait_for(timeout=10_000)
                break
        tab.wait_for()
        self.page.locator(".editor-instance .view-lines").first.click()
        self.page.keyboard.press("Control+End")
        return file

    def type(self, text: str, delay_ms: float = 10) -> None:
        self.page.keyboard.type(text, delay=delay_ms)

    def begin(self, text: str) -> None:
        """Insert a text at once but for the blank at its end, which is typed and types past no ghost text."""
        self.put(text.removesuffix(" "))
        self.press("Space")

    def put(self, text: str) -> None:
        """Insert a text at once: nothing is offered, and typed past, before its last character."""
        self.page.keyboard.insert_text(text)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def run(self, command: str) -> None:
        """Run a command from the palette by its title; open the palette again where something else has closed it."""
        try:
            self._choose(command, 10_000)
        except TimeoutError:
            self._choose(command, 60_000)

    def _choose(self, command: str, wait_ms: int) -> None:
        self.page.keyboard.press("F1")
        self.page.locator(".quick-input-widget input").fill(f">{command}")
        self.page.locator(".quick-input-list").get_by_text(command, exact=True).first.click(timeout=wait_ms)

    def ghost_text(self) -> str:
        """Return the ghost text with all its lines, or ""."""
        return str(self.page.evaluate(_GHOST_TEXT)).replace("\xa0", " ")

    def see(self, ghost_text: str) -> None:
        self.until(lambda: self.ghost_text() == ghost_text, f"no ghost text {ghost_text!r}")

    def saved(self, file: Path) -> str:
        """Save the file in front and return its text."""
        self.page.keyboard.press("Control+s")
        self.page.locator(".tab.active.dirty").wait_for(state="detached")
        return file.read_text(encoding="utf-8")

    def select(self, *keys: str) -> None:
        """Press keys that select in the editor in front, from which a view that has just opened may take the focus."""

        def is_selected() -> bool:
            self.page.locator(".editor-instance .view-lines").first.click()
            self.press(*keys)
            return "selected" in self.page.locator(".statusbar").inner_text()

        self.until(is_selected, "nothing is selected")

    def select_all(self) -> None:
        self.select("Control+a")

    def choose_action(self, title: str) -> None:
        """Choose a code action at the cursor."""
        self.open_actions(title).click()

    def open_actions(self, title: str) -> Locator:
        """Open the menu of the code actions at the cursor, and return the row of one of them."""
        row = self.page.locator(".action-widget .monaco-list-row", has_text=title)

        def is_open() -> bool:
            self.press("Escape", "Control+.")
            with suppress(TimeoutError):
                row.first.wait_for(timeout=5000)
            return row.count() > 0

        self.until(is_open, f"the action {title} is not offered")
        return row.first

    def side(self, name: str) -> str:
        """Return the visible text of a side of the diff in front: "original" or "modified"."""
        return self.page.locator(f".editor.{name}").inner_text().replace("\xa0", " ")

    def accept(self, name: str) -> None:
        """Accept the diff in front, which is of this file."""
        self.accept_button.click()
        self.wait_for(self.page.locator(f'.tab.active.dirty[data-resource-name="{name}"]'))

    def title(self) -> str:
        """Return the title of the editor in front."""
        return self.page.locator(".tab.active").get_attribute("data-resource-name") or ""

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8") if self.log_file.exists() else ""

    def set(self, **settings: Any) -> None:
        """Change settings in the machine's file, and wait until VS Code has read them; None removes a setting."""
        self._times_set += 1
        title = f"settings {self._times_set}"
        known = json.loads(self.settings_file.read_text()) | {"window.title": title}
        known |= {name.replace("__", "."): value for name, value in settings.items()}
        self.settings_file.write_text(json.dumps({name: value for name, value in known.items() if value is not None}))
        self.until(lambda: self.page.title() == title, "VS Code does not read the settings")

    def notification(self, text: str) -> Locator:
        """Return a notification, which VS Code hides after 10 s unless all are shown."""
        item = self.page.locator(".notification-list-item", has_text=text)
        if not item.first.is_visible():
            self.run("Notifications: Show Notifications")
        self.wait_for(item)
        return item.first

    def open_chat(self) -> Frame:
        """Open the chat view and return its page when it has the focus, which it would take from an editor later."""
        for frame in self.page.frames:  # where it has the focus now, it would have it before the command has run
            with suppress(Error):
                frame.evaluate("document.getElementById('question')?.blur()")
        self.run("Midspan: Open Chat")

        def focused() -> Frame | None:
            with suppress(Error):  # VS Code has replaced the frame meanwhile
                chat = self.chat()
                if chat.evaluate("document.hasFocus() && document.activeElement.id === 'question'"):
                    return chat
            return None

        return self.until(focused, "the chat view does not take the focus")

    def chat(self) -> Frame:
        """Wait for the chat view and return its page."""

        def find() -> Frame | None:
            try:
                return next((frame for frame in self.page.frames if frame.locator("#composer").count()), None)
            except Error:  # VS Code has replaced a frame meanwhile
                return None

        return self.until(find, "the chat view is not there")

    def sample_frames(self) -> None:
        self.page.evaluate(_SAMPLE)

    def sampled_frames(self) -> list[dict[str, str]]:
        """Return the last line's text and ghost text, each time that they changed."""
        frames: list[dict[str, str]] = self.page.evaluate(
            """async () => {
              for (let frames = 0; frames < 2; frames++) await new Promise(requestAnimationFrame);
              cancelAnimationFrame(window.midspanSampler);
              return window.midspanFrames;
            }"""
        )
        return frames

    def until(self, condition: Callable[[], T | None], what: str) -> T:
        """Return the first true value of the condition, which other processes make true."""

        def failure() -> str:
            picture = self.workspace.parent / "failed.png"
            self.page.screenshot(path=picture)
            return f"{what}; see {picture}; log:\n{self.log()}"

        return wait_until(condition, failure, pause=lambda: self.page.wait_for_timeout(50))

    def wait_for(self, locator: Locator) -> None:
        locator.first.wait_for(timeout=WAIT_S * 1000)


@contextmanager
def vscode(
    browser: Browser,
    folder: Path,
    program: Path,
    log_file: Path,
    settings: dict[str, Any],
    *,
    model: str,
    folders_settings: dict[str, Any] | None = None,
    is_trusted: bool = True,
    variables: dict[str, str] | None = None,
) -> Iterator[VSCode]:
    """Start VS Code with an empty workspace and the extension, which finds the program in the workspace's environment.

    The model that completes is ready when its name is in the status bar. `folders_settings` are those that the
    workspace brings along, `variables` are further variables of VS Code's environment.
    """
    workspace, data, home = folder / "shop", folder / "data", folder / "home"
    # Only the settings of the machine may name a program to run.
    user_file, settings_file = (data / who / "settings.json" for who in ("User", "Machine"))
    environment_programs = workspace / ".venv/bin"
    for each in (environment_programs, user_file.parent, settings_file.parent, home):
        each.mkdir(parents=True)
    (environment_programs / "midspan").symlink_to(program)
    user_file.write_text(json.dumps(SETTINGS))
    settings_file.write_text(json.dumps(settings))
    config = folder / "config.yaml"
    variables = {"HOME": str(home), "PYTHONPATH": str(ROOT)} | (variables or {})
    folders = {"config": config, "user-data-dir": data, "extensions-dir": folder / "extensions"}
    common = [str(SERVER), *(f"--{name}={path}" for name, path in folders.items())]
    environment = os.environ | variables | NO_GALLERY
    subprocess.run([*common, "--install-extension", str(EXTENSION)], env=environment, check=True, capture_output=True)
    if folders_settings is not None:
        (workspace / ".vscode").mkdir()
        (workspace / ".vscode/settings.json").write_text(json.dumps(folders_settings))
    common += ["--disable-workspace-trust"] if is_trusted else []
    with workbench(browser, common, config, variables, workspace) as page:
        editor = VSCode(page, workspace, settings_file, log_file)
        editor.wait_for(editor.status.filter(has_text=model))
        yield editor


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a Chromium that reaches this machine alone."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=BROWSER,
            args=["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
        )
        yield browser
        browser.close()
