"""The commands in the real VS Code."""

from tests.e2e.fake_midspan import WORD
from tests.e2e.vscode import VSCode

SHOP = "# What the goods of the shop cost.\n\n\ndef add(a, b):\n    return a + b\n\n\ngreeting = "


def test_the_trace_says_the_outcome_of_a_request(editor: VSCode):
    editor.open("traced.py", "")
    editor.begin("value = ")
    editor.see(WORD)
    editor.run("Midspan: Show Trace of Recent Requests")
    text = editor.page.locator(".tab.active", has_text="Midspan trace")
    editor.wait_for(text)
    editor.until(lambda: f"shown {len(WORD)} characters" in _lines(editor), "the request is not in the trace")
    assert "traced.py:1:9" in _lines(editor)


def test_the_menu_of_the_status_item_offers_commands(editor: VSCode):
    editor.open("menu.py", "")
    editor.status.click()
    rows = editor.page.locator(".quick-input-list .monaco-list-row")
    editor.wait_for(rows)
    offered = " ".join(rows.all_inner_texts())
    editor.press("Escape")
    assert "Turn completions off for python" in offered
    assert "Select a model" in offered


def test_a_model_is_selected_from_those_that_are_there(editor: VSCode):
    editor.run("Midspan: Select Model…")
    rows = editor.page.locator(".quick-input-list .monaco-list-row")
    rows.filter(has_text="the ghost text at the cursor").click()
    editor.wait_for(rows.filter(has_text="deepseek-coder-v2-lite-base"))
    rows.filter(has_text="built-in").click()
    editor.wait_for(editor.page.locator(".notification-toast", has_text="Midspan completes with the built-in model."))


def test_an_explanation_is_an_answer_in_the_chat(editor: VSCode):
    editor.open("shop.py", SHOP)
    editor.select("Control+Home", *["ArrowDown"] * 3, *["Shift+ArrowDown"] * 2)
    editor.run("Midspan: Explain")
    chat = editor.chat()
    editor.until(lambda: "That is all." in chat.locator("body").inner_text(), "there is no answer")
    assert "shop.py:4–5" in chat.locator(".user .chip").inner_text()
    editor.page.locator(".editor-instance .view-lines").first.click()
    editor.press("Control+End", "Backspace", "Space")
    editor.see(WORD)
    editor.run("Midspan: New Conversation")


def _lines(editor: VSCode) -> str:
    return editor.page.locator(".editor-instance .view-lines").first.inner_text().replace("\xa0", " ")
