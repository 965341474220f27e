"""Next edits in Emacs, by the keys of a real terminal: shown as a diff, jumped to and accepted by TAB."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.emacs import needs_emacs
from tests.e2e.emacs_terminal import Emacs, emacs
from tests.e2e.scripted import scripted_project, write_answers
from tests.e2e.scripted_edits import ACCEPT, ASK, DISMISS, SHOP, TILL, Planned, plan_edits, told

pytestmark = needs_emacs

COUNT = "count = 1\nprint(count)\nreturn_value = count + 1\n"
SHOWN = """
(mapconcat (lambda (overlay)
             (concat (or (overlay-get overlay 'after-string) "")
                     (if (eq (overlay-get overlay 'face) 'midspan-edit-delete)
                         (format "[-%s-]" (buffer-substring-no-properties (overlay-start overlay)
                                                                          (overlay-end overlay)))
                       "")))
           (seq-filter (lambda (overlay) (eq (overlay-buffer overlay) (current-buffer)))
                       (reverse midspan-edit-view--overlays))
           "|")
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emacs]:
    folder = scripted_project(tmp_path_factory.mktemp("next"), {"y = ": "ghost"})
    plan_edits(folder)
    with emacs(folder, scripted=True) as editor:
        yield editor


@pytest.fixture
def editor(running: Emacs) -> Emacs:
    plan_edits(running.folder)
    return running


def have(editor: Emacs, text: str) -> None:
    editor.until(lambda: editor.text() == text, f"the text is not {text!r}")


def shown(editor: Emacs) -> str:
    """Return the texts of the overlays, and the struck words in [- -]."""
    return str(editor.lisp(SHOWN))


def see_edit(editor: Emacs, text: str) -> None:
    editor.until(lambda: text in shown(editor), f"{text!r} is not shown, but {shown(editor)!r}")


def accepted(folder: Path) -> list[Any]:
    return [text for name, text in told(folder) if name == ACCEPT]


def rename(editor: Emacs, name: str) -> None:
    """Change the first word of the file."""
    editor.press("M-<", "M-d")
    editor.type(name)


def test_a_rename_is_followed_by_tab_and_taken_back_one_by_one(editor):
    folder = editor.folder
    (folder / "other.py").write_text("from a import count\n")
    editor.open(folder / "a.py", COUNT)
    plan_edits(
        folder,
        Planned("a.py", (1, 6, 1, 11), "total"),
        Planned("a.py", (2, 15, 2, 20), "total"),
        Planned("other.py", (0, 14, 0, 19), "total"),
    )
    rename(editor, "total")
    see_edit(editor, "TAB to jump · planned")
    assert "[-count-]|total" in shown(editor)
    editor.until(lambda: "print(counttotal)   TAB to jump" in editor.screen(), "it is not on the screen")
    editor.press("Tab")
    see_edit(editor, "TAB to accept")
    assert editor.lisp("(point)") == len("total = 1\nprint(") + 1
    editor.press("Tab")
    have(editor, COUNT.replace("count", "total", 2))
    see_edit(editor, "TAB to jump")
    editor.press("Tab", "Tab")
    have(editor, COUNT.replace("count", "total"))
    see_edit(editor, "→ other.py:1   count → total   TAB to jump")
    assert " Midspan → other.py:1" in editor.screen()
    editor.press("Tab")
    have(editor, "from a import count\n")
    see_edit(editor, "TAB to accept")
    editor.press("Tab")
    have(editor, "from a import total\n")
    assert (folder / "other.py").read_text() == "from a import count\n"
    editor.until(lambda: accepted(folder) == ["total"] * 3, "the server was not told")
    editor.press("C-_")
    have(editor, "from a import count\n")
    editor.lisp('(progn (switch-to-buffer "a.py") t)')
    editor.press("C-a")  # else the undo would be of the other buffer
    for uses in 2, 1:
        editor.press("C-_")
        have(editor, COUNT.replace("count", "total", uses))


def test_new_lines_stand_below_the_old_ones(editor):
    text = "total = 0\nfor room in rooms:\n    total += room.area\nprint(total)\n"
    editor.open(editor.folder / "lines.py", text)
    new = "total = sum(room.area for room in rooms)"
    plan_edits(editor.folder, Planned("lines.py", (0, 0, 2, 22), new))
    editor.press("M-<")
    editor.command("midspan-ask-edit")
    see_edit(editor, f"\n{new}")
    see_edit(editor, "TAB to accept")
    assert "[-for room in rooms:-]" in shown(editor)
    screen = [line.rstrip() for line in editor.screen().split("\n")]
    assert screen[3] == new
    editor.press("Tab")
    have(editor, f"{new}\nprint(total)\n")


def test_lines_are_inserted_and_removed(editor):
    editor.open(editor.folder / "c.py", "a = 1\nb = 2\n")
    plan_edits(editor.folder, Planned("c.py", (0, 0, 0, 0), "x = 3\n"), Planned("c.py", (1, 0, 2, 0), ""))
    editor.press("M-<")
    editor.command("midspan-ask-edit")
    editor.until(lambda: editor.screen().startswith("x = 3\na = 1"), "the new line is not above the first")
    editor.press("Tab")
    have(editor, "x = 3\na = 1\nb = 2\n")
    see_edit(editor, "[-a = 1-]")
    editor.press("Tab")
    have(editor, "x = 3\nb = 2\n")


def test_a_place_below_the_screen_is_named_at_point_and_in_the_mode_line(editor):
    editor.open(editor.folder / "long.py", "first = 1\n" + "pass\n" * 100 + "use(first)\n")
    plan_edits(editor.folder, Planned("long.py", (101, 4, 101, 9), "begin"))
    rename(editor, "begin")
    see_edit(editor, "↓ line 102   first → begin   TAB to jump")
    assert " Midspan ↓ line 102" in editor.screen()
    editor.press("Tab")
    see_edit(editor, "TAB to accept")
    assert " Midspan ↓" not in editor.screen()
    editor.press("Tab")
    editor.until(lambda: editor.text().endswith("use(begin)\n"), "it was not accepted")


def test_c_g_dismisses_it_and_tab_is_itself_again(editor):
    editor.open(editor.folder / "d.py", COUNT)
    plan_edits(editor.folder, Planned("d.py", (1, 6, 1, 11), "total"))
    rename(editor, "total")
    see_edit(editor, "TAB to jump")
    editor.press("C-g")
    editor.until(lambda: not shown(editor), "it is still shown")
    editor.until(lambda: told(editor.folder)[-1] == [DISMISS, "total"], "the server was not told")
    editor.press("C-n", "C-e", "Enter", "Tab")
    editor.type("!")
    editor.until(lambda: "print(count)\n!" in editor.text(), "TAB does something else")


def test_ghost_text_goes_first_and_the_edit_waits_behind_it(editor):
    editor.open(editor.folder / "e.py", COUNT)
    plan_edits(editor.folder, Planned("e.py", (1, 6, 1, 11), "total"))
    editor.type("y = ")
    editor.see("ghost")
    editor.until(lambda: any(name == "midspan/nextEdit" for name, _ in told(editor.folder)), "nothing was asked")
    assert shown(editor) == ""
    editor.press("Tab")
    have(editor, COUNT + "y = ghost")
    see_edit(editor, "TAB to jump")


def test_an_edit_of_an_older_text_is_never_shown(editor):
    editor.open(editor.folder / "g.py", COUNT)
    other = Planned("g.py", (2, 15, 2, 20), "total")
    plan_edits(editor.folder, Planned("g.py", (1, 6, 1, 11), "sum", age=1), other)
    rename(editor, "total")
    see_edit(editor, "[-count-]|total")


def test_nothing_is_shown_while_midspan_is_off(editor):
    editor.open(editor.folder / "f.py", COUNT)
    plan_edits(editor.folder, Planned("f.py", (1, 6, 1, 11), "total"))
    rename(editor, "total")
    see_edit(editor, "TAB to jump")
    editor.command("midspan-toggle")
    editor.until(lambda: shown(editor) == "", "it is still shown")
    editor.command("midspan-toggle")


def test_a_new_diagnostic_beside_point_asks_again(editor):
    editor.open(editor.folder / "checked.py", COUNT)
    editor.lisp(
        "(progn (setq-local flymake-diagnostic-functions (list (lambda (report &rest _) (setq test-report report))))"
        " (flymake-mode 1) (flymake-start) t)"
    )
    rename(editor, "total")
    editor.until(lambda: ASK in [name for name, _ in told(editor.folder)], "the change was not asked about")
    editor.until(lambda: editor.lisp("(not (or midspan--edit-timer midspan--edit-pending))"), "it was not answered")
    plan_edits(editor.folder, Planned("checked.py", (1, 6, 1, 11), "total"))
    found = '(list (flymake-make-diagnostic (current-buffer) 17 22 :error "undefined name count"))'
    editor.lisp(f"(progn (flymake-start) (funcall test-report {found}) t)")
    see_edit(editor, "TAB to jump · planned")


def test_the_rules_lead_through_the_uses_in_two_files(tmp_path):
    write_answers(tmp_path, {})  # the project is a folder within: the folder of the server is Emacs's home
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    (folder / "till.py").write_text(TILL)
    (folder / "shop.py").write_text(SHOP)
    with emacs(tmp_path, scripted=True) as editor:
        editor.open(folder / "shop.py", SHOP)
        editor.until((tmp_path / "indexed").exists, "the workspace is not indexed")
        editor.press("M-<", "M-f", "C-f")
        editor.lisp('(progn (kill-region (point) (progn (skip-chars-forward "a-z_") (point))) t)')
        editor.type("sum_up")
        see_edit(editor, "sum_up")  # and not what a slower typist is offered on the way
        for uses in (2, 3):
            accept_here(editor)
            have(editor, SHOP.replace("add_up", "sum_up", uses))
        see_edit(editor, "→ till.py:")
        editor.press("Tab")
        for uses in (1, 2):
            accept_here(editor)
            see_renamed(editor, uses)
        assert (folder / "till.py").read_text() == TILL
        editor.press("C-_")
        see_renamed(editor, 1)
        editor.lisp("(progn (undo-redo) (save-buffer) t)")
        assert (folder / "till.py").read_text() == TILL.replace("add_up", "sum_up")


def see_renamed(editor: Emacs, uses: int) -> None:
    editor.until(lambda: editor.text().count("sum_up") == uses, f"not {uses} uses are renamed")


def accept_here(editor: Emacs) -> None:
    """Press TAB until the edit that is shown is accepted."""
    offered = editor.until(lambda: text if "TAB to " in (text := shown(editor)) else "", "no edit is shown")
    if "TAB to jump" in offered:
        editor.press("Tab")
    see_edit(editor, "TAB to accept · rename")
    editor.press("Tab")
