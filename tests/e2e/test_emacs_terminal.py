"""Emacs while one types fast, when the daemon dies, and in a picture."""

import json
import os
import signal
import time

import pytest

from tests.bigram_folder import write_bigram_folder
from tests.e2e import picture
from tests.e2e.emacs import PROGRAM
from tests.e2e.emacs_terminal import MODE, Emacs, emacs
from tests.e2e.terminal import LINES
from tests.e2e.typist import ANSWERS, Typist

WORD = "wonderful"
LOOKS = """
(require-theme 'modus-themes)
(load-theme 'modus-vivendi t)
(global-display-line-numbers-mode)
(dolist (face '(default line-number line-number-current-line))
  (set-face-background face "#14161b"))
"""

# In CI a missing Emacs is a failure: the project's own script installs it.
pytestmark = pytest.mark.skipif(
    not PROGRAM.exists() and not os.environ.get("CI"), reason="Emacs is not installed: make .tools/emacs/emacs"
)


def test_typing_twenty_characters_a_second_never_shows_stale_text(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "answers.json").write_text(json.dumps(ANSWERS))
    with emacs(tmp_path, scripted=True) as editor:
        editor.open(tmp_path / "a.py", "")
        typist = Typist(editor.shown)
        typist.type_at_random(lambda: editor.press("C-a", "C-k"))
        assert typist.ghost_frames > 10


def asked_and_seen(editor: Emacs) -> bool:
    """Whether there is ghost text a second after a key has asked for it."""
    editor.command("midspan-complete")
    end = time.monotonic() + 1
    while time.monotonic() < end and editor.ghost_text() != WORD:
        time.sleep(0.02)
    return editor.ghost_text() == WORD


def test_a_daemon_that_is_killed_is_only_a_pause(tmp_path):
    (tmp_path / ".git").mkdir()
    model = write_bigram_folder(tmp_path / "model", WORD)
    with emacs(tmp_path, "--model", model) as editor:
        editor.open(tmp_path / "area.py", "")
        editor.type("x = ")
        editor.until(lambda: editor.ghost_text() == WORD, "no ghost text")
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


def test_a_picture_of_grey_text_at_work(tmp_path):
    project = tmp_path / "house"
    (project / ".git").mkdir(parents=True)
    (project / "answers.json").write_text(json.dumps({"def area(self):\n        ": picture.BODY}))
    with emacs(project, scripted=True, setup=LOOKS) as editor:
        editor.open(project / "rooms.py", picture.FILE)
        editor.type("    def area(self):")
        editor.press("Enter")
        editor.until(lambda: "        return round(total, 1)" in editor.screen(), "no ghost text")
        assert editor.text().endswith("def area(self):\n        ")  # so what the terminal shows is ghost text
        if picture.WANTED:
            picture.draw(editor.shown.colored(), MODE / "picture.png", LINES)
