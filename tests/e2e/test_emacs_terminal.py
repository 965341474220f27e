"""Emacs under fast typing, after the death of the daemon, and in a picture."""

import os
import signal
import time
from contextlib import suppress

from tests.bigram_folder import write_bigram_folder
from tests.e2e import picture
from tests.e2e.emacs import needs_emacs
from tests.e2e.emacs_terminal import Emacs, emacs
from tests.e2e.scripted import scripted_project
from tests.e2e.terminal import LINES
from tests.e2e.typist import ANSWERS, Typist
from tests.e2e.waiting import wait_until

WORD = "wonderful"
LOOKS = "(require-theme 'modus-themes) (global-display-line-numbers-mode)"
THEMES = {"light": "modus-operandi", "dark": "modus-vivendi"}
SHADE = """(progn
  (load-theme '{theme} t)
  (dolist (face '(default line-number line-number-current-line))
    (set-face-background face "{background}"))
  (set-window-start nil 1)
  (redisplay t))
"""

pytestmark = needs_emacs


def test_typing_twenty_characters_a_second_never_shows_stale_text(tmp_path):
    with emacs(scripted_project(tmp_path, ANSWERS), scripted=True) as editor:
        editor.open(tmp_path / "a.py", "")
        typist = Typist(editor.shown)
        typist.type_at_random(lambda: editor.press("C-a", "C-k"))
        assert typist.ghost_frames > 10


def asked_and_seen(editor: Emacs) -> bool:
    """True when there is ghost text within a second after a key has asked for it."""
    editor.command("midspan-complete")
    with suppress(TimeoutError):
        return wait_until(lambda: editor.ghost_text() == WORD, lambda: "no ghost text yet", wait_s=1)
    return False


def test_a_daemon_that_is_killed_is_only_a_pause(tmp_path):
    (tmp_path / ".git").mkdir()
    model = write_bigram_folder(tmp_path / "model", WORD)
    with emacs(tmp_path, "--model", model) as editor:
        editor.open(tmp_path / "area.py", "")
        editor.type("x = ")
        editor.see(WORD)
        before = editor.daemon_pid()
        os.kill(before, signal.SIGKILL)
        editor.type("1")
        editor.press("Enter")
        editor.type("y = ")
        editor.until(lambda: editor.text() == "x = 1\ny = ", "a key is lost")
        editor.until(lambda: asked_and_seen(editor), "no ghost text again")
        editor.press("Tab")
        editor.until(lambda: editor.text() == f"x = 1\ny = {WORD}", "TAB did not accept")
        assert editor.daemon_pid() != before
        editor.command("midspan-trace")
        editor.until(
            lambda: "area.py" in editor.text() and editor.lisp("(buffer-name)") == "*midspan trace*", "no trace"
        )


def test_a_picture_of_ghost_text_at_work(tmp_path):
    project = scripted_project(tmp_path / "house", {"def area(self):\n        ": picture.BODY})
    with emacs(project, scripted=True, setup=LOOKS) as editor:
        editor.open(project / "rooms.py", picture.FILE.rstrip() + "\n\n")
        editor.type("    def area(self):")
        editor.press("Enter")
        editor.until(lambda: "        return round(total, 1)" in editor.screen(), "no ghost text")
        assert editor.text().endswith("def area(self):\n        ")  # so the text in the terminal is ghost text
        for shade, (background, _) in picture.SHADES.items() if picture.WANTED else ():
            editor.lisp(SHADE.format(theme=THEMES[shade], background=background))
            time.sleep(1)  # the terminal draws
            picture.draw(editor.shown.colored(), picture.GHOST_TEXT / f"emacs-{shade}.png", LINES, shade)
