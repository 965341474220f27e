"""The steps of try-in-clean-root.sh, which describes them and calls this script: ROOT and the FOLDER for what it found.

A user who is not root takes each step in the tree; the drivers of the tests of editors type and look at the screens.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e import picture
from tests.e2e.emacs_terminal import LISTEN, Emacs
from tests.e2e.neovim import ROOT, Neovim, attach
from tests.e2e.terminal import LINES, Terminal, terminal
from tests.e2e.vscode import SETTINGS, VSCode, chromium
from tests.e2e.waiting import wait_until
from tests.e2e.workbench import workbench

HOME = Path("/mnt/newcomer")
SHOP = HOME / "shop"
FILE = SHOP / "basket.py"
TYPED = "return len"
_TOOLS = (ROOT / ".tools").resolve()
_EDITORS = [str(_TOOLS / name) for name in ("nvim", "emacs", "code-server")]
# What pip and uv need to know of this machine, and what a terminal is.
_LENT = re.compile(r"PIP_\w+|UV_\w+|\w*_PROXY|SSL_\w+|\w*CA_BUNDLE|TERM", re.IGNORECASE)

# Emacs takes this terminal for a light one.
_DARK = """\
(setq frame-background-mode 'dark)
(frame-set-background-mode (selected-frame))
(set-face-foreground 'default "#e0e2ea")
(menu-bar-mode -1)
"""


@dataclass
class Journey:
    """The steps that a newcomer has taken, in seconds, in the tree below `root`."""

    root: Path
    found: Path
    seconds: list[tuple[str, float]] = field(default_factory=list)

    def command(self, *words: str | Path) -> list[str | Path]:
        """Return the command that runs words in the tree, in the newcomer's home and with the newcomer's variables."""
        programs = [str(HOME / ".local/bin"), *_EDITORS, "/usr/local/bin", "/usr/bin", "/bin"]
        variables = {name: value for name, value in os.environ.items() if _LENT.fullmatch(name)}
        variables |= {"HOME": str(HOME), "USER": "newcomer", "LANG": "C.UTF-8", "PATH": ":".join(programs)}
        variables |= {"COLORTERM": "truecolor", "EXTENSIONS_GALLERY": "{}"}
        if "PIP_FIND_LINKS" in variables:
            variables["UV_FIND_LINKS"] = variables["PIP_FIND_LINKS"]
        settings = [f"{name}={value}" for name, value in variables.items()]
        enter = ["chroot", "--userspec=newcomer:newcomer", self.root, "env", "--ignore-environment", *settings]
        return [*enter, "sh", "-c", 'cd && exec "$@"', "sh", *words]

    def note(self, name: str, began: float) -> None:
        """Note the time of a step that ends now, and write down the table of all steps."""
        self.seconds.append((name, time.monotonic() - began))
        print(f"{name}: {self.seconds[-1][1]:.1f} s", flush=True)
        lines = [f"| {step} | {seconds:.1f} s |" for step, seconds in self.seconds]
        (self.found / "steps.md").write_text("\n".join(["| step | time |", "|---|---|", *lines, ""]))

    def do(self, name: str, line: str, file: str) -> None:
        """Take a step that is a line of a shell, and keep what it prints."""
        began = time.monotonic()
        with (self.found / file).open("w") as said:
            done = subprocess.run(self.command("sh", "-c", line), stdout=said, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            raise SystemExit(f"{name} failed; see {said.name}")
        self.note(name, began)


def install(journey: Journey) -> None:
    """Follow the README from nothing to a completion, then install the packages of a release."""
    journey.do("`git clone`", "git clone --quiet ../midspan.bundle midspan", "clone.txt")
    journey.do("`make run`", "make -C midspan run", "make-run.txt")
    journey.do("`make run` again", "make -C midspan run", "make-run-again.txt")
    wheel = "$(ls ../*.whl)"
    journey.do(
        "`pip install` of the wheel, in a new environment",
        f"python3 -m venv tried && tried/bin/pip install --quiet {wheel} && tried/bin/midspan --version",
        "pip-install.txt",
    )
    journey.do("a completion with it", "tried/bin/midspan complete midspan/docs/demo/basket.py:18:25", "complete.txt")
    journey.do("`pip install uv`", "python3 -m venv own && own/bin/pip install --quiet uv", "uv.txt")
    uv = f"own/bin/uv tool install --quiet --reinstall $(test ! -e {_CAPS} || echo --constraints {_CAPS})"
    journey.do("`uv tool install .` in the copy of the repository", f"{uv} ./midspan", "uv-tool-install.txt")
    journey.do("a completion with it", "midspan complete midspan/docs/demo/basket.py:18:25", "uv-complete.txt")
    journey.do("`uv tool install` of the wheel", f"{uv} {wheel}", "uv-tool-install-wheel.txt")
    journey.do("`midspan setup --yes --no-model`", "midspan setup --yes --no-model", "setup.txt")
    journey.do("`midspan doctor`", "midspan doctor", "doctor.txt")


_CAPS = "/etc/xdg/pip/constraints.txt"


def begin_project() -> None:
    """A repository with a file that ends before the last line of the README's example."""
    subprocess.run(["mkdir", "-p", SHOP / ".git"], check=True)
    demo = (ROOT / "docs/demo/basket.py").read_text(encoding="utf-8").split("\n", 3)[3]
    FILE.write_text(demo[: demo.rindex(TYPED)])
    subprocess.run(["chown", "-R", "--reference", HOME, SHOP], check=True)


def see_ghost_text(ghost_text: Callable[[], str], ask: Callable[[], None]) -> None:
    """Wait for ghost text, and ask for it by the key if it does not come by itself."""
    end = time.monotonic() + 20
    while not ghost_text():
        if time.monotonic() > end:
            print("  no ghost text came by itself; the key asks for it")
            ask()
            wait_until(ghost_text, lambda: "there is no ghost text")
        time.sleep(0.02)


def photograph(journey: Journey, shown: Terminal, name: str) -> None:
    """Keep a picture of a terminal, and its lines."""
    (journey.found / f"{name}.txt").write_text("\n".join(shown.screen()))
    picture.draw(shown.colored(), journey.found / f"{name}.png", LINES)


def try_neovim(journey: Journey) -> None:
    """Open the file in Neovim, type, and accept."""
    socket = HOME / "nvim.sock"
    command = journey.command("nvim", "--listen", socket, FILE)
    began = time.monotonic()
    with terminal({}, *command) as shown:
        editor = Neovim(attach(socket), None, Path(os.devnull))  # type: ignore[arg-type]  # no method here needs it
        shown.until(lambda: editor.api.vvars["vim_did_enter"], "Neovim does not start")
        shown.until(lambda: editor.status().get("ready"), "the model is not ready")
        editor.type(f"GA{TYPED}")
        see_ghost_text(editor.ghost_text, lambda: editor.type("<M-a>"))
        journey.note("Neovim, from its start to ghost text", began)
        photograph(journey, shown, "neovim")
        editor.type("<Tab>")
        wait_until(lambda: len(editor.lines()[-1].strip()) > len(TYPED), lambda: "Tab did not accept")
        editor.api.command("qall!", async_=True)


def try_emacs(journey: Journey) -> None:
    """Open the file in Emacs, type, and accept."""
    listen = HOME / "listen.el"
    listen.write_text(LISTEN.format(socket=json.dumps(str(HOME / "ask"))) + _DARK)
    command = journey.command("emacs", "-nw", FILE, "-l", listen)
    began = time.monotonic()
    with terminal({}, *command) as shown:
        editor = Emacs(shown, HOME)
        editor.until((HOME / "ask").exists, "Emacs does not start")
        editor.lisp("(progn (delete-other-windows) (goto-char (point-max)) t)")
        editor.until(lambda: editor.lisp("(and midspan-mode t)"), "Midspan is not connected")
        editor.type(TYPED)
        see_ghost_text(editor.ghost_text, lambda: editor.command("midspan-complete"))
        journey.note("Emacs, from its start to ghost text", began)
        photograph(journey, shown, "emacs")
        editor.press("Tab")
        editor.until(lambda: len(editor.text().rpartition("\n")[2].strip()) > len(TYPED), "TAB did not accept")


def try_code_server(journey: Journey) -> None:
    """Open the file in code-server, type, and accept."""
    user_file = HOME / ".local/share/code-server/User/settings.json"
    subprocess.run(["mkdir", "-p", user_file.parent], check=True)
    user_file.write_text(json.dumps(SETTINGS))
    subprocess.run(["chown", "-R", "--reference", HOME, HOME / ".local/share/code-server"], check=True)
    config = HOME / ".config/code-server/config.yaml"
    command = [str(word) for word in journey.command("code-server", "--disable-workspace-trust")]
    with chromium() as browser:
        began = time.monotonic()
        with workbench(browser, command, config, {}, SHOP) as page:
            editor = VSCode(page, SHOP, user_file, Path(os.devnull))
            editor.wait_for(editor.status.filter(has_text="builtin"))
            text = FILE.read_text()
            file = editor.open(FILE.name, text)
            editor.type(TYPED)
            see_ghost_text(lambda: editor.ghost_text().strip(), lambda: editor.press("Alt+Backslash"))
            journey.note("code-server, from its start to ghost text", began)
            page.wait_for_timeout(1000)  # all of it is drawn
            page.screenshot(path=journey.found / "code-server.png")
            editor.press("Tab")
            if len(editor.saved(file)) <= len(text + TYPED):
                raise SystemExit("Tab did not accept")


def main(root: Path, found: Path) -> None:
    journey = Journey(root, found)
    install(journey)
    begin_project()
    try_neovim(journey)
    try_code_server(journey)
    try_emacs(journey)  # which leaves its own copy of the file
    journey.do("`midspan setup --undo`", "midspan setup --undo", "undo.txt")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
