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
    yield editor.open_chat()
    chat = editor.chat()  # another one after a reload
    left = chat.locator(".user, #references li")
    if left.count():  # else nothing would say when the command has run, and it might end the next test's question
        editor.run("Midspan: New Conversation")
        editor.until(lambda: not left.count(), "the conversation goes on")


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


def test_progress_comes_in_words_until_the_first_word_of_the_answer(editor: VSCode, chat: Frame):
    chat.evaluate(
        """() => {
          window.progress = [];
          addEventListener('message', ({ data }) => data.type === 'progress' && window.progress.push(data.text));
        }"""
    )
    _ask(chat, "What is this?")
    editor.until(lambda: "That is all." in chat.locator(".assistant").inner_text(), "there is no answer")
    _wait_for_the_end(editor, chat)
    assert any("looking for the code" in words for words in chat.evaluate("window.progress"))
    assert chat.locator(".progress").count() == 0
    turns = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": ""}]
    state = {"type": "state", "turns": turns, "references": [], "isAnswering": True, "progress": ""}
    chat.evaluate("(state) => postMessage(state)", state)  # as while a model reads, which the fake one does at once
    chat.evaluate("postMessage({ type: 'progress', text: 'reading 2,015 tokens, 12 s' })")
    editor.until(lambda: "reading 2,015 tokens" in chat.locator(".assistant").inner_text(), "it is not shown")
    chat.evaluate("postMessage({ type: 'piece', text: 'Because' })")
    editor.until(lambda: chat.locator(".assistant").inner_text().strip() == "Because", "it stays")


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


def test_what_an_answer_was_given_is_listed_and_opened(editor: VSCode, chat: Frame):
    editor.open("listed.py", f"# {'a' * 9}\n" + ADD)
    editor.select("Control+End", "Shift+ArrowUp", "Shift+ArrowUp")
    editor.run("Midspan: Add Selection to Chat")
    editor.until(lambda: "listed.py:2" in chat.locator("#references").inner_text(), "there is no reference")
    _ask(chat, "What is this?")
    used = chat.locator(".assistant .used li", has_text="you referred to it")
    editor.until(used.is_visible, "it is not listed")
    assert used.inner_text() == "listed.py:2–3 · you referred to it"
    editor.open("other.py", "")
    editor.open_chat()
    used.locator("button").click()
    editor.until(lambda: editor.title() == "listed.py", "it is not opened")
    editor.until(lambda: "Ln 2, Col 1" in editor.page.locator(".statusbar").inner_text(), "the line is another")


def test_a_name_behind_at_is_completed_as_it_is_typed(editor: VSCode, chat: Frame):
    editor.open("stock.py", "def weigh_goods():\n    pass\n")
    editor.open_chat()
    question, rows = chat.locator("#question"), chat.locator("#mentions li")

    def is_offered() -> bool:
        question.fill("")
        question.press_sequentially("What is @weigh", delay=20)
        editor.page.wait_for_timeout(300)
        # A view that has just opened may lose the first keys to the editor.
        is_typed = question.input_value() == "What is @weigh"
        mentions = chat.locator("#mentions")
        return is_typed and mentions.is_visible() and "weigh_goods" in mentions.inner_text()

    editor.until(is_offered, "it is not offered")  # once the file is indexed
    assert rows.filter(has_text="weigh_goods").inner_text().split() == ["weigh_goods", "stock.py:1"]
    question.press("Tab")
    question.press_sequentially("for?")
    assert question.input_value() == "What is @weigh_goods for?"
    assert not chat.locator("#mentions").is_visible()
    question.fill("")


def test_a_conversation_is_reopened_after_a_reload_until_it_is_cleared(editor: VSCode, chat: Frame):
    _ask(chat, "What is this?")
    editor.until(lambda: "That is all." in chat.locator(".assistant").inner_text(), "there is no answer")
    _wait_for_the_end(editor, chat)
    chat = _reloaded(editor)
    editor.until(lambda: "That is all." in chat.locator("#turns").inner_text(), "it is not reopened")
    assert "What is this?" in chat.locator(".user").inner_text()
    _ask(chat, "And the same?")
    editor.until(lambda: chat.locator(".assistant").count() == 2, "it does not go on")
    _wait_for_the_end(editor, chat)
    _ask(chat, "/clear")
    editor.until(lambda: chat.locator(".welcome").is_visible(), "it is not cleared")
    chat = _reloaded(editor)
    _ask(chat, "What is new?")  # which waits until a kept conversation is reopened
    editor.until(lambda: "That is all." in chat.locator("#turns").inner_text(), "it is not answered")
    assert chat.locator(".user").all_inner_texts() == ["What is new?"]
    _wait_for_the_end(editor, chat)


def test_a_conversation_goes_on_where_an_explanation_is_the_first_thing(editor: VSCode, chat: Frame):
    _ask(chat, "What is this?")
    editor.until(lambda: "That is all." in chat.locator(".assistant").inner_text(), "there is no answer")
    _wait_for_the_end(editor, chat)
    _reload(editor)
    editor.open("explained.py", ADD)
    editor.select_all()
    editor.run("Midspan: Explain")
    chat = editor.chat()
    editor.until(lambda: chat.locator(".assistant").count() == 2, "the conversation is another one")
    assert "What is this?" in chat.locator(".user").first.inner_text()
    _wait_for_the_end(editor, chat)


def _reload(editor: VSCode) -> None:
    editor.page.reload(wait_until="domcontentloaded")
    editor.wait_for(editor.status.filter(has_text="fake"))


def _reloaded(editor: VSCode) -> Frame:
    _reload(editor)
    return editor.open_chat()


def test_code_of_an_answer_is_copied_inserted_and_seen_as_a_diff(editor: VSCode, chat: Frame):
    file = editor.open("code.py", ADD)
    editor.select_all()
    editor.run("Midspan: Add Selection to Chat")
    editor.until(lambda: "code.py:1" in chat.locator("#references").inner_text(), "there is no reference")
    _ask(chat, "Rewrite it.")
    buttons = chat.locator(".code .bar button")
    editor.until(lambda: buttons.count() == 3, "there is no block of code")
    _wait_for_the_end(editor, chat)  # until then the block is drawn again with each piece
    chat.locator(".code button", has_text="Copy").click()
    editor.until(lambda: editor.page.evaluate("navigator.clipboard.readText()") == CODE, "it is not copied")
    chat.locator(".code button", has_text="Diff").click()
    editor.wait_for(editor.accept_button)
    editor.accept("code.py")
    assert editor.saved(file) == f"{CODE}\n"
    editor.page.locator(".editor-instance .view-lines").first.click()
    editor.press("Control+End")
    chat.locator(".code button", has_text="Insert").click()
    editor.page.locator(".tab.active.dirty").wait_for()
    assert editor.saved(file) == f"{CODE}\n{CODE}"


def test_code_of_an_answer_has_the_colors_of_the_editors_theme(editor: VSCode, chat: Frame):
    editor.open("colors.py", ADD)
    editor.open_chat()
    _ask(chat, "Rewrite it.")
    shown = chat.locator(".code .hljs-storage", has_text="def")
    editor.wait_for(shown)
    written = editor.page.locator(".editor-instance .view-line span span", has_text="def")
    background = editor.page.locator(".editor-instance .monaco-editor-background").first
    block = chat.locator(".code pre")

    def is_alike() -> bool:
        backgrounds = {_color(each, "background-color") for each in (block, background)}
        return _color(shown) == _color(written) and len(backgrounds) == 1

    seen = {_color(written)}
    for theme in ("Dark Modern", "Solarized Light", "Light Modern"):
        editor.set(workbench__colorTheme=theme)
        editor.until(lambda: _color(written) not in seen, f"the theme is not {theme}")
        editor.until(is_alike, f"code has other colors in the chat with {theme}")
        seen.add(_color(written))
    editor.set(workbench__colorTheme=None)


def _color(part: Locator, of: str = "color") -> str:
    return str(part.first.evaluate("(element, of) => getComputedStyle(element).getPropertyValue(of)", of))


def test_nothing_of_an_answer_is_markup_of_the_page(editor: VSCode, chat: Frame):
    _ask(chat, "markup")
    editor.until(lambda: "is over" in chat.locator(".assistant").inner_text(), "there is no answer")
    assert chat.locator(".assistant img, .assistant script, .assistant iframe").count() == 0
    assert chat.evaluate("window.owned") is None


def _wait_for_the_end(editor: VSCode, chat: Frame) -> None:
    """Wait until an answer has ended and is kept: that is after its last piece."""
    editor.until(lambda: chat.locator("#send").is_visible(), "the answer does not end")


def _ask(chat: Frame, question: str) -> None:
    chat.locator("#question").fill(question)
    chat.locator("#send").click()
