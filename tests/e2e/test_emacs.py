"""A user of Emacs works with known answers, by the keys of a real terminal."""

import json
from collections.abc import Iterator

import pytest

from tests.e2e import scripted
from tests.e2e.emacs import needs_emacs
from tests.e2e.emacs_terminal import Emacs, emacs

ANSWERS = scripted.ANSWERS | {"And this?\n": "That too.", "def parse(header: s": "tr) -> str:", "v = ": "[]"}

CAPF = '(list (lambda () (list (save-excursion (skip-chars-backward "a-z") (point)) (point) (list "fir" "fix"))))'

CHECKER = """
(lambda (report &rest _)
  (funcall report (save-excursion
                    (goto-char (point-min))
                    (when (search-forward "one" nil t)
                      (list (flymake-make-diagnostic (current-buffer) (match-beginning 0) (point) :error "no one"))))))
"""

pytestmark = needs_emacs


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emacs]:
    with emacs(scripted.scripted_project(tmp_path_factory.mktemp("scripted"), ANSWERS), scripted=True) as editor:
        yield editor


@pytest.fixture
def editor(running: Emacs, request: pytest.FixtureRequest) -> Emacs:
    running.open(running.folder / f"{request.node.name}.py", "")
    return running


def have(editor: Emacs, text: str) -> None:
    editor.until(lambda: editor.text() == text, f"the text is not {text!r}")


def test_typing_brings_ghost_text_and_tab_accepts_it(editor):
    editor.type("x = ")
    editor.see("first_word + second.word()")
    editor.until(lambda: editor.screen().startswith("x = first_word + second.word()\n"), "it is not on the screen")
    assert editor.text() == "x = "
    assert editor.lisp("(point)") == 5
    editor.press("Tab")
    have(editor, "x = first_word + second.word()")
    assert editor.ghost_text() == ""
    editor.press("C-x", "C-s")
    path = editor.folder / "test_typing_brings_ghost_text_and_tab_accepts_it.py"
    editor.until(lambda: path.read_text() == "x = first_word + second.word()\n", "it is not saved")


def test_a_word_and_the_rest_are_accepted(editor):
    editor.type("x = ")
    editor.see("first_word + second.word()")
    editor.press("C-Right")
    have(editor, "x = first_word")
    editor.see(" + second.word()")
    editor.press("M-f")
    have(editor, "x = first_word +")
    editor.see(" second.word()")
    editor.press("Tab")
    have(editor, "x = first_word + second.word()")


def test_several_lines_are_ghost_text_and_one_or_all_of_them_accepted(editor):
    editor.type("def area(w, h):")
    editor.press("Enter")
    editor.see("total = w * h\n    return total")
    assert "    total = w * h\n    return total\n" in editor.screen()
    editor.press("C-e")
    have(editor, "def area(w, h):\n    total = w * h")
    editor.see("\n    return total")
    editor.press("Tab")
    have(editor, "def area(w, h):\n    total = w * h\n    return total")


def test_an_emoji_before_the_cursor(editor):
    editor.type("s = '😀' + ")
    editor.see("name")
    editor.press("Tab")
    have(editor, "s = '😀' + name")


def test_c_g_takes_ghost_text_away_and_a_key_that_does_not_fit_does_so_at_once(editor):
    editor.type("x = ")
    editor.see("first_word + second.word()")
    editor.press("C-g")
    editor.see("")
    assert editor.text() == "x = "
    editor.command("midspan-complete")
    editor.see("first_word + second.word()")
    editor.type("q")
    have(editor, "x = q")
    assert editor.ghost_text() == ""


@pytest.mark.parametrize(
    ("key", "left"), [("BSpace", "def parse(header: "), ("M-BSpace", "def parse(header: "), ("C-_", "")]
)
def test_text_taken_back_before_the_ghost_text_drops_it(editor, key, left):
    editor.type("def parse(header: s")
    editor.see("tr) -> str:")
    editor.lisp("(setq-local midspan-automatic nil)")  # no answer comes to the rescue
    editor.press(key)
    have(editor, left)
    assert editor.ghost_text() == ""
    editor.press("Tab")
    editor.type("!")
    editor.until(lambda: editor.text().endswith("!"), "the key is not typed")
    assert "tr" not in editor.text()


def test_ghost_text_whose_rest_is_behind_point_already_breaks_nothing(editor):
    editor.lisp("(progn (electric-pair-local-mode) t)")
    editor.type("v = ")
    editor.see("[]")
    editor.type("[")
    have(editor, "v = []")
    editor.press("C-e")
    editor.press("Enter")
    editor.type("x = ")
    editor.see("first_word + second.word()")


def test_a_buffer_that_becomes_read_only_shows_no_ghost_text(editor):
    editor.type("x = ")
    editor.see("first_word + second.word()")
    editor.press("C-x", "C-q")
    editor.see("")
    assert editor.lisp("(and buffer-read-only t)")
    editor.press("C-x", "C-q")


def test_tab_completes_typed_ghost_text_and_indents_without_ghost_text(editor):
    editor.type("x = ")
    editor.see("first_word + second.word()")
    editor.type("fir\t!")  # before a newer answer can arrive
    have(editor, "x = first_word + second.word()!")
    editor.press("Enter")
    editor.type("if y:")
    editor.press("Enter", "C-a", "C-k", "Tab")
    editor.until(lambda: editor.text().endswith("\n    "), "Tab does not indent")


def test_an_open_menu_keeps_its_keys(editor):
    editor.type("fir = fix = 1")
    editor.press("Enter")
    editor.lisp(f"(progn (setq-local completion-at-point-functions {CAPF}) t)")
    editor.type("x = ")
    editor.see("first_word + second.word()")
    editor.type("f")
    editor.see("irst_word + second.word()")
    editor.press("C-M-i", "C-M-i")
    editor.until(lambda: editor.lisp("(and completion-in-region-mode t)"), "no menu")
    editor.see("")
    editor.press("Tab")
    editor.type(" ")  # the space arrives after TAB has had its effect
    editor.until(lambda: editor.text().endswith("\nx = fi "), "TAB is not the menu's")
    editor.until(lambda: editor.lisp("(not completion-in-region-mode)"), "the menu stays")


def test_a_body_is_filled_and_undone_in_one_step(editor):
    editor.type("def area(w, h):")
    editor.press("Enter")
    editor.type("pass")
    editor.command("midspan-body")
    have(editor, "def area(w, h):\n    total = w * h\n    return total")
    editor.press("C-_")
    have(editor, "def area(w, h):\n    pass")


def answer_edit(editor: Emacs, answer: str) -> None:
    scripted.write_answers(editor.folder, ANSWERS | {"": f"```python\n{answer}\n```"})


@pytest.fixture
def edited(editor: Emacs) -> Iterator[Emacs]:
    answer_edit(editor, "y = '😀' + 'two'")
    editor.type("z = '😀'")
    editor.press("Enter")
    editor.type("y = '😀' + 'one'")
    editor.press("Enter", "Up")
    yield editor
    scripted.write_answers(editor.folder, ANSWERS)


def ask_for_edit(editor: Emacs) -> str:
    """Request an edit of the line, wait for its diff, and return the name of the file's buffer."""
    name = str(editor.lisp("(buffer-name)"))
    editor.press("C-a", "C-Space", "C-e")
    editor.command("midspan-edit")
    editor.type("count")
    editor.press("Enter")
    editor.until(lambda: "-y = '😀' + 'one'\n+y = '😀' + 'two'" in editor.text(), "no diff")
    return name


def text_of(editor: Emacs, name: str) -> str:
    return str(editor.lisp(f"(with-current-buffer {json.dumps(name)} (buffer-string))"))


def test_an_edit_is_shown_as_a_diff_and_accepted(edited):
    name = ask_for_edit(edited)
    assert text_of(edited, name) == "z = '😀'\ny = '😀' + 'one'\n"
    edited.press("Enter")
    edited.until(lambda: text_of(edited, name) == "z = '😀'\ny = '😀' + 'two'\n", "it is not accepted")
    assert edited.lisp("(buffer-name)") == name


def test_tests_that_are_accepted_are_shown_in_their_file(editor):
    editor.open(editor.folder / "twice.py", "def twice(a):\n    return 2 * a\n")
    code = "from twice import twice\n\n\ndef test_twice():\n    assert twice(2) == 4"
    answer_edit(editor, code)
    editor.command("midspan-tests")
    editor.until(lambda: "+def test_twice():" in editor.text(), "no diff")
    editor.press("Enter")
    editor.until(lambda: editor.lisp("(buffer-name)") == "test_twice.py", "the file is not shown")
    assert editor.text() == f"{code}\n"
    scripted.write_answers(editor.folder, ANSWERS)


def test_an_edit_is_rejected_and_an_edit_of_an_older_text_is_refused(edited):
    name = ask_for_edit(edited)
    edited.press("q")
    edited.until(lambda: edited.lisp("(buffer-name)") == name, "the diff stays")
    assert text_of(edited, name) == "z = '😀'\ny = '😀' + 'one'\n"
    ask_for_edit(edited)
    edited.lisp(f'(with-current-buffer {json.dumps(name)} (goto-char (point-min)) (insert "w") t)')
    edited.press("Enter")
    edited.until(lambda: "the text has changed since" in edited.screen(), "it is not said")
    assert text_of(edited, name) == "wz = '😀'\ny = '😀' + 'one'\n"


def test_a_diff_that_was_left_without_an_answer_has_its_keys_the_next_time(edited):
    name = ask_for_edit(edited)
    edited.command("delete-other-windows")
    edited.lisp(f"(progn (switch-to-buffer {json.dumps(name)}) t)")
    ask_for_edit(edited)
    edited.press("Enter")
    edited.until(lambda: text_of(edited, name) == "z = '😀'\ny = '😀' + 'two'\n", "it is not accepted")


def test_a_diagnostic_of_another_checker_is_fixed(edited):
    assert edited.lisp("(and (memq 'eglot-xref-backend xref-backend-functions) t)") is None
    name = str(edited.lisp("(buffer-name)"))
    edited.command("midspan-fix")
    edited.until(lambda: "reports no problem here" in edited.screen(), "it is not said")
    edited.lisp(f"(progn (add-hook 'flymake-diagnostic-functions {CHECKER} nil t) (flymake-start) t)")
    edited.until(lambda: edited.lisp("(and (flymake-diagnostics) t)"), "no diagnostic")
    edited.command("midspan-fix")
    edited.until(lambda: "+y = '😀' + 'two'" in edited.text(), "no diff")
    assert "no one" in scripted.prompts_asked(edited.folder)[-1]
    edited.press("Enter")
    edited.until(lambda: text_of(edited, name) == "z = '😀'\ny = '😀' + 'two'\n", "it is not accepted")


def test_an_explanation_streams_onto_a_page(editor):
    scripted.write_answers(editor.folder, ANSWERS | {"": "It adds ENDLESS"})
    editor.type("y = 1 + 2")
    editor.command("midspan-explain")
    editor.until(lambda: "It adds and so on and" in editor.text(), "nothing comes")
    editor.press("C-c", "C-k")
    editor.until(lambda: "\n> " in editor.text(), "it does not stop")
    editor.until(lambda: editor.lisp("(null (jsonrpc--continuations midspan--server))"), "the server goes on")
    scripted.write_answers(editor.folder, ANSWERS)


def test_a_chat_streams_refers_to_the_region_and_stops(editor):
    editor.type("y = 12345")
    editor.press("C-a", "C-Space", "C-e")
    editor.command("midspan-chat")
    editor.until(lambda: "> test_a_chat_streams_refers_to_the_region_and_stops.py:1-1" in editor.text(), "no reference")
    editor.type("Why?")
    editor.press("C-c", "C-c")
    editor.until(lambda: "Because **it is so**." in editor.text(), "no answer")
    editor.until(lambda: editor.text().endswith("\n\n## You\n\n"), "the answer does not end")
    assert "y = 12345" in scripted.prompts_asked(editor.folder)[-1]
    editor.type("Forever?")
    editor.press("C-c", "C-c")
    editor.until(lambda: "It goes and so on" in editor.text(), "no second answer")
    editor.press("C-c", "C-k")
    editor.until(lambda: editor.text().endswith("\n## You\n\n"), "it does not stop")
    editor.type("And this?")
    editor.press("C-c", "C-c")
    editor.until(lambda: "That too." in editor.text(), "no third answer")
    last = scripted.prompts_asked(editor.folder)[-1]
    assert last.index("Why?") < last.index("it is so") < last.index("It goes and so on") < last.index("And this?")
