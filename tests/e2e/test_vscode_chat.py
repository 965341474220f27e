"""The chat view in the real VS Code."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Frame, Locator

from tests.e2e.fake_midspan import EXPLANATION
from tests.e2e.vscode import VSCode

ADD = "def add(a, b):\n    return a + b\n"
CODE = EXPLANATION.partition("```python\n")[2].partition("\n```")[0]


@pytest.fixture
def chat(editor: VSCode) -> Iterator[Frame]:
    editor.run("Midspan: Open Chat")
    chat = editor.chat()
    yield chat
    editor.run("Midspan: New Conversation")
    editor.until(lambda: not chat.locator(".user").count(), "the conversation goes on")


def test_an_answer_streams_until_it_is_stopped(editor: VSCode, chat: Frame):
    _ask(chat, "endless")
    answer = chat.locator(".assistant")
    editor.until(lambda: answer.inner_text().count("never") > 3, "nothing is streamed")
    before = len(answer.inner_text())
    editor.until(lambda: len(answer.inner_text()) > before, "the stream stands still")
    chat.locator("#stop").click()
    editor.until(lambda: "Stopped." in answer.inner_text(), "it is not said to be stopped")
    written = answer.inner_text()
    editor.until(lambda: not editor.status.locator(".codicon-loading").count(), "the model still works")
    assert answer.inner_text() == written


def test_a_question_refers_to_the_selection(editor: VSCode, chat: Frame):
    editor.open("asked.py", ADD)
    editor.select_all()
    editor.run("Midspan: Add Selection to Chat")
    editor.until(lambda: "asked.py:1" in chat.locator("#references").inner_text(), "there is no reference")
    _ask(chat, "What is this?")
    editor.until(lambda: "That is all." in chat.locator(".assistant").inner_text(), "there is no answer")
    assert chat.locator(".assistant strong").inner_text() == "two numbers"
    assert "asked.py:1" in chat.locator(".user .chip").inner_text()
    assert chat.locator("#references li").count() == 0


def test_code_of_an_answer_is_copied_inserted_and_seen_as_a_diff(editor: VSCode, chat: Frame):
    file = editor.open("code.py", ADD)
    editor.select_all()
    editor.run("Midspan: Add Selection to Chat")
    _ask(chat, "Rewrite it.")
    buttons = chat.locator(".code .bar button")
    editor.until(lambda: buttons.count() == 3, "there is no block of code")
    chat.locator(".code button", has_text="Copy").click()
    editor.until(lambda: editor.page.evaluate("navigator.clipboard.readText()") == CODE, "it is not copied")
    chat.locator(".code button", has_text="Diff").click()
    editor.wait_for(editor.accept_button)
    editor.accept("code.py")
    assert editor.saved(file) == f"{CODE}\n"
    editor.press("Control+End")
    chat.locator(".code button", has_text="Insert").click()
    editor.page.locator(".tab.active.dirty").wait_for()
    assert editor.saved(file) == f"{CODE}\n{CODE}"


@pytest.mark.parametrize("theme", ["Dark Modern", "Solarized Light"])
def test_code_of_an_answer_has_the_colors_of_the_editors_theme(editor: VSCode, chat: Frame, theme: str):
    editor.open("colors.py", ADD)
    editor.set(workbench__colorTheme=theme)
    editor.run("Midspan: Open Chat")
    _ask(chat, "Rewrite it.")
    shown = chat.locator(".code .hljs-storage", has_text="def")
    editor.wait_for(shown)
    written = editor.page.locator(".editor-instance .view-line span span", has_text="def")
    background = editor.page.locator(".editor-instance .monaco-editor-background").first
    editor.until(lambda: _color(shown) == _color(written), f"def has another color in the chat with {theme}")
    block, editors = (_color(each, "background-color") for each in (chat.locator(".code pre"), background))
    assert block == editors
    editor.set(workbench__colorTheme=None)


def _color(part: Locator, of: str = "color") -> str:
    return str(part.first.evaluate("(element, of) => getComputedStyle(element).getPropertyValue(of)", of))


def test_nothing_of_an_answer_is_markup_of_the_page(editor: VSCode, chat: Frame):
    _ask(chat, "markup")
    editor.until(lambda: "is over" in chat.locator(".assistant").inner_text(), "there is no answer")
    assert chat.locator(".assistant img, .assistant script, .assistant iframe").count() == 0
    assert chat.evaluate("window.owned") is None


def _ask(chat: Frame, question: str) -> None:
    chat.locator("#question").fill(question)
    chat.locator("#send").click()
