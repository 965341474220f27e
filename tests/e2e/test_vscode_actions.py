"""Code actions in the real VS Code: the user sees a diff, and accepts or rejects it."""

from pathlib import Path

from tests.e2e.fake_midspan import ADD, BODY, NEW_TEST, SUBTRACT, THERE
from tests.e2e.vscode import VSCode

TRY = "def read(text):\n    try:\n        return int(text)\n"
STUB = "def area(width, height):\n    pass\n"
UNKNOWN = "def unknown(width, height):\n    pass\n"


def test_an_action_is_a_diff_that_is_accepted(editor: VSCode):
    file = _fill_body(editor, "accepted.py")
    assert file.read_text() == STUB
    editor.accept("accepted.py")
    assert editor.saved(file).rstrip() == f"def area(width, height):\n    {BODY}".rstrip()


def test_an_action_that_is_rejected_changes_nothing(editor: VSCode):
    file = _fill_body(editor, "rejected.py")
    editor.reject_button.click()
    editor.until(lambda: editor.title() == "rejected.py", "the diff is not closed")
    assert editor.saved(file) == STUB


def test_an_action_that_is_refused_says_why(editor: VSCode):
    file = editor.open("refused.py", UNKNOWN)
    editor.press("ArrowUp")
    editor.choose_action("Fill this body")
    told = "Midspan: Nothing is changed: the model writes nothing (fake)."
    toast = editor.page.locator(".notification-toast", has_text="the model writes nothing")
    editor.wait_for(toast)
    assert toast.locator(".notification-list-item-message").inner_text() == told
    assert editor.saved(file) == UNKNOWN


def test_an_action_of_a_file_that_has_changed_since_says_so(editor: VSCode):
    file = editor.open("late.py", STUB)
    editor.press("ArrowUp")
    row = editor.open_actions("Fill this body")
    changed = f"import math\n{STUB}"
    file.write_text(changed)
    editor.wait_for(editor.page.locator(".editor-instance .view-line", has_text="import math"))
    row.click()
    editor.wait_for(editor.page.locator(".notification-toast", has_text="Nothing is changed: late.py was edited"))
    assert editor.saved(file) == changed


def test_a_diff_of_a_file_that_has_changed_since_is_not_applied(editor: VSCode):
    file = _fill_body(editor, "changed.py")
    changed = f"import math\n{STUB}"
    file.write_text(changed)
    editor.until(lambda: "import math" in editor.side("original"), "the file is not read again")
    editor.accept_button.click()
    message = editor.page.locator(".notification-toast", has_text="changed.py has changed since")
    editor.wait_for(message)
    editor.reject_button.click()
    editor.until(lambda: editor.title() == "changed.py", "the diff is not closed")
    assert file.read_text() == changed


def test_an_edit_by_instruction_is_written_into_a_diff(editor: VSCode):
    file = editor.open("edited.py", ADD)
    editor.select_all()
    editor.run("Midspan: Edit by Instruction…")
    editor.page.locator(".quick-input-widget input").fill("subtract instead")
    editor.press("Enter")
    editor.until(lambda: "a - b" in editor.side("modified"), "there is no diff")
    assert file.read_text() == ADD
    editor.until(editor.accept_button.is_enabled, "it cannot be accepted")
    editor.accept("edited.py")
    assert editor.saved(file) == SUBTRACT


def test_tests_go_into_a_closed_file_and_a_test_that_is_there_is_named(editor: VSCode):
    tests = editor.workspace / "tests/test_sums.py"
    tests.parent.mkdir(exist_ok=True)
    tests.write_text(THERE)
    editor.open("sums.py", ADD)
    editor.select_all()
    editor.run("Midspan: Write Tests")
    editor.wait_for(editor.page.locator(".notification-toast", has_text="it leaves out test_there"))
    editor.until(lambda: "test_add" in editor.side("modified"), "there is no diff")
    editor.accept("test_sums.py")
    assert editor.saved(tests) == f"{THERE}\n\n{NEW_TEST}"


def test_the_missing_except_has_a_body(editor: VSCode):
    file = editor.open("read.py", TRY)
    editor.press("ArrowUp")
    editor.choose_action("Write the missing except")
    editor.wait_for(editor.accept_button)
    editor.until(lambda: "return None" in editor.side("modified"), "there is no diff")
    editor.accept("read.py")
    assert editor.saved(file).rstrip() == f"{TRY}    except ValueError:\n        return None"


def test_an_edit_without_a_chat_model_says_what_to_do(editor: VSCode):
    editor.set(midspan__chat__model=None)
    editor.open("none.py", ADD)
    editor.select_all()
    editor.run("Midspan: Write Tests")
    toast = editor.page.locator(".notification-toast", has_text="chat.model")
    editor.wait_for(toast)

    def is_hidden() -> bool:  # else the next test takes it for its own
        editor.press("Escape")
        return not toast.count()

    editor.until(is_hidden, "the notification stays")
    editor.set(midspan__chat__model="fake-chat")


def _edit(editor: VSCode, name: str, instruction: str) -> None:
    editor.open(name, ADD)
    editor.select_all()
    editor.run("Midspan: Edit by Instruction…")
    editor.page.locator(".quick-input-widget input").fill(instruction)
    editor.press("Enter")


def test_an_edit_by_instruction_without_a_chat_model_offers_to_select_one(editor: VSCode):
    editor.set(midspan__chat__model=None)
    _edit(editor, "none.py", "subtract instead")
    toast = editor.page.locator(".notification-toast", has_text="chat.model")
    toast.get_by_role("button", name="Select a Chat Model").click()
    editor.wait_for(editor.page.locator(".quick-input-widget", has_text="Midspan: the model for chat"))
    editor.press("Escape")
    editor.set(midspan__chat__model="fake-chat")


def test_an_edit_that_changes_nothing_says_so(editor: VSCode):
    _edit(editor, "none.py", "write the same again")
    editor.wait_for(editor.page.locator(".notification-toast", has_text="wrote the same code"))
    editor.until(lambda: editor.title() == "none.py", "the diff is not closed")


def test_the_light_bulb_explains(editor: VSCode):
    editor.open("none.py", ADD)
    editor.press("ArrowUp")
    editor.choose_action("Explain this")
    chat = editor.chat()
    editor.until(lambda: "two numbers" in chat.locator("body").inner_text(), "there is no explanation")
    editor.run("Midspan: New Conversation")
    editor.press("Control+Shift+e")


def _fill_body(editor: VSCode, name: str) -> Path:
    """Open a file, choose the action that fills its body, and wait for the diff."""
    file = editor.open(name, STUB)
    editor.press("ArrowUp")
    editor.choose_action("Fill this body")
    editor.wait_for(editor.accept_button)
    editor.until(lambda: "return size" in editor.side("modified"), "there is no diff")
    return file
