"""A user of Emacs asks about code: "@", what an answer was given, and the kept conversation."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import scripted
from tests.e2e.emacs import needs_emacs
from tests.e2e.emacs_terminal import Emacs, emacs

ANSWERS = scripted.ANSWERS | {"And this?\n": "That too."}

pytestmark = needs_emacs


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Emacs]:
    with emacs(scripted.scripted_project(tmp_path / "scripted", ANSWERS), scripted=True) as editor:
        editor.open(editor.folder / "goods.py", "a = 1\nb = 2\nc = 3\n")
        yield editor


def test_a_name_behind_at_is_completed_in_the_chat(editor: Emacs):
    (editor.folder / "stock.py").write_text("def weigh_goods():\n    pass\n")
    editor.command("midspan-chat")

    def is_completed() -> bool:
        editor.lisp("(progn (goto-char (point-max)) (delete-region (pos-bol) (point)) t)")
        editor.type("What is @weigh_g")
        editor.until(lambda: editor.text().endswith("@weigh_g"), "the keys have no effect")
        editor.press("Tab")
        time.sleep(0.5)
        return editor.text().endswith("What is @weigh_goods")

    editor.until(is_completed, "it is not completed")  # once the file is indexed

    def is_listed() -> bool:
        editor.press("C-a", "C-k")
        editor.type("@goods")
        editor.until(lambda: editor.text().endswith("@goods"), "the keys have no effect")
        editor.press("Tab")
        time.sleep(0.5)
        return "@weigh_goods  symbol stock.py:1" in editor.screen()

    editor.until(is_listed, "what is like the letters is not shown")


def test_a_conversation_lists_what_was_read_and_is_reopened_until_it_is_cleared(editor):
    note = "(lambda (_page words) (push words shown))"
    editor.lisp(f"(progn (defvar shown nil) (advice-add 'midspan-page-show-progress :before {note}) t)")
    editor.press("M-<", "C-n", "C-Space", "C-e")
    editor.command("midspan-chat")
    editor.type("Why?")
    editor.press("C-c", "C-c")
    editor.until(lambda: "- goods.py:2  you referred to it\n" in editor.text(), "it is not listed")
    editor.until(lambda: editor.text().endswith("\n## You\n\n"), "the answer does not end")
    assert "looking for the code" in editor.lisp("(string-join shown)")
    assert editor.lisp("midspan-page--progress") is None
    editor.press("M-<")
    editor.lisp('(progn (search-forward "- goods") t)')
    editor.press("Enter")
    editor.until(lambda: editor.lisp("(buffer-name)") == "goods.py", "it is not opened")
    assert editor.lisp("(line-number-at-pos)") == 2
    editor.lisp('(progn (deactivate-mark) (kill-buffer "*midspan chat*") t)')
    editor.command("midspan-chat")
    editor.until(lambda: "Because **it is so**." in editor.text(), "it is not reopened")
    assert "- goods.py:2  you referred to it\n" in editor.text()
    editor.type("/clear")
    editor.press("C-c", "C-c")
    editor.until(lambda: editor.text() == "## You\n\n", "it is not cleared")
    editor.lisp('(progn (kill-buffer "*midspan chat*") t)')
    editor.command("midspan-chat")
    editor.type("And this?")
    editor.press("C-c", "C-c")
    editor.until(lambda: "That too." in editor.text(), "no answer")
    assert "Because" not in editor.text()


def test_each_project_has_its_conversation(editor, tmp_path):
    two = scripted.scripted_project(tmp_path / "two", ANSWERS)
    editor.command("midspan-chat")
    editor.type("Why?")
    editor.press("C-c", "C-c")
    editor.until(lambda: "Because" in editor.text() and editor.text().endswith("\n## You\n\n"), "no answer")
    editor.open(two / "second.py", "x = 1\n")
    editor.command("midspan-chat")
    editor.until(lambda: editor.text() == "## You\n\n", "it has the conversation of another project")
    editor.type("And this?")
    editor.press("C-c", "C-c")
    editor.until(lambda: "That too." in editor.text() and editor.text().endswith("\n## You\n\n"), "no answer")
    editor.lisp('(progn (switch-to-buffer "goods.py") t)')
    editor.command("midspan-chat")
    editor.until(lambda: "Because" in editor.text() and "That too." not in editor.text(), "it is not reopened")
