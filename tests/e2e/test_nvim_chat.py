"""The chat of the plugin works with known answers, in Neovim 0.12 and 0.11."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import scripted
from tests.e2e.neovim import Neovim, neovim
from tests.e2e.scripted_neovim import asked, midspan, own_file, running_neovim

running = running_neovim(scripted.ANSWERS)
editor = own_file


def page(editor: Neovim) -> str:
    return "\n".join(editor.lines())


def open_beside(editor: Neovim, path: Path) -> None:
    """Open a file in the window beside the page."""
    editor.api.command("wincmd p")
    editor.api.command(f"edit {path}")
    editor.until(lambda: editor.api.exec_lua("return #vim.lsp.get_clients({ bufnr = 0 })") == 1, "not attached")


def test_a_chat_streams_onto_its_page_and_stops(editor):
    midspan(editor, "chat Why?")
    editor.until(lambda: "Because **it is so**." in page(editor), "no answer")
    editor.until(lambda: page(editor).rstrip().endswith("## You"), "the answer does not end")
    editor.type("GAForever?<Esc><CR>")
    editor.until(lambda: "It goes and so on" in page(editor), "no second answer")
    editor.type("<C-c>")
    editor.until(lambda: page(editor).rstrip().endswith("## You"), "it does not stop")
    editor.until(
        lambda: editor.api.exec_lua("return vim.tbl_count(vim.lsp.get_clients()[1].requests)") == 0, "left over"
    )


def test_progress_comes_in_words_until_the_first_word_of_the_answer(editor):
    editor.api.exec_lua("""
        shown, set = {}, vim.api.nvim_buf_set_extmark
        vim.api.nvim_buf_set_extmark = function(buffer, namespace, row, column, options)
          if options.virt_text then table.insert(shown, options.virt_text[1][1]) end
          return set(buffer, namespace, row, column, options)
        end
    """)
    midspan(editor, "chat Why?")
    editor.until(lambda: "Because **it is so**." in page(editor), "no answer")
    editor.until(lambda: page(editor).rstrip().endswith("## You"), "the answer does not end")
    editor.api.exec_lua("vim.api.nvim_buf_set_extmark = set")
    assert any("looking for the code" in words for words in editor.api.exec_lua("return shown"))
    left = "return #vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_create_namespace('midspan.progress'), 0, -1, {})"
    assert editor.api.exec_lua(left) == 0


def test_a_question_refers_to_the_lines_of_its_range(editor):
    editor.type("iy = 2<CR>z = 3<CR>w = 4<Esc>")
    editor.until(lambda: editor.lines()[:3] == ["y = 2", "z = 3", "w = 4"], "the keys have no effect")
    editor.api.command("1,2Midspan chat Why?")
    editor.until(lambda: asked(editor)[-1:] and asked(editor)[-1].endswith("y = 2\nz = 3\n\nWhy?\n"), "not sent")
    editor.until(lambda: page(editor).rstrip().endswith("## You"), "the answer does not end")


@pytest.fixture
def chat(editor: Neovim) -> Iterator[Neovim]:
    """A page with an empty conversation; the window with the code is on its left."""
    midspan(editor, "chat")
    editor.until(lambda: editor.api.current.buffer.name == "midspan://chat", "no page")
    editor.type("<C-n>")
    editor.until(lambda: editor.lines() == ["## You", "", ""], "the conversation goes on")
    yield editor
    editor.type("<Esc>")


def test_what_an_answer_was_given_is_listed_and_opened(editor, chat):
    name = "goods.py"
    (editor.log_file.parent / name).write_text("a = 1\nb = 2\nc = 3\n")
    open_beside(editor, editor.log_file.parent / name)
    editor.api.command("2,3Midspan chat Why?")
    editor.until(lambda: "- goods.py:2-3  you referred to it" in editor.lines(), "it is not listed")
    editor.until(lambda: page(editor).rstrip().endswith("## You"), "the answer does not end")
    editor.api.command("wincmd p | enew | wincmd p")
    editor.type("?you referred<CR><CR>")
    editor.until(lambda: editor.api.current.buffer.name.endswith(name), "the file is not opened")
    assert editor.api.current.window.cursor == (2, 0)
    assert "midspan://chat" in [window.buffer.name for window in editor.api.windows]


def test_a_name_behind_at_is_completed_as_it_is_typed(editor, chat):
    (editor.log_file.parent / "stock.py").write_text("def weigh_goods():\n    pass\n")

    def offered() -> list[str]:
        editor.type("<Esc>GSWhat is @weigh")
        editor.api.exec_lua("vim.wait(500, function() return vim.fn.pumvisible() == 1 end)")
        return [item["abbr"] for item in editor.api.funcs.complete_info(["items"])["items"]]

    editor.until(lambda: "weigh_goods" in offered(), "it is not offered")
    editor.type("<C-n><C-y> for?")
    editor.until(lambda: editor.lines()[-1] == "What is @weigh_goods for?", "it is not completed")
    editor.type("<Esc>S@weigh<C-x><C-o>")
    editor.until(lambda: editor.api.funcs.pumvisible(), "the key completes nothing")
    assert editor.api.funcs.complete_info(["items"])["items"][0]["menu"] == "stock.py:1"


def test_a_conversation_is_reopened_after_a_restart_until_it_is_cleared(tmp_path):
    folder = scripted.scripted_project(tmp_path, scripted.ANSWERS)
    with neovim(folder, folder / "first.py", scripted=True) as editor:
        midspan(editor, "chat Why?")
        editor.until(lambda: "Because" in page(editor) and page(editor).rstrip().endswith("## You"), "no answer")
    with neovim(folder, folder / "first.py", scripted=True) as editor:
        midspan(editor, "chat")
        editor.until(lambda: "Because **it is so**." in page(editor), "it is not reopened")
        editor.type("GA/clear<Esc><CR>")
        editor.until(lambda: editor.lines() == ["## You", "", ""], "it is not cleared")
    with neovim(folder, folder / "first.py", scripted=True) as editor:
        midspan(editor, "chat Forever?")
        editor.until(lambda: "It goes and so on" in page(editor), "no answer")
        assert "Because" not in page(editor)
        editor.type("<C-c>")
    assert [prompt.count("assistant: ") for prompt in asked(editor) if "user: " in prompt] == [0, 0]


def test_each_project_has_its_conversation_and_its_server(tmp_path):
    one, two = (scripted.scripted_project(tmp_path / name, scripted.ANSWERS) for name in ("one", "two"))
    (two / "second.py").write_text("a = 1\nb = 2\n")
    with neovim(one, one / "first.py", scripted=True) as editor:
        midspan(editor, "chat Why?")
        editor.until(lambda: "Because" in page(editor) and page(editor).rstrip().endswith("## You"), "no answer")
        open_beside(editor, two / "second.py")
        editor.api.command("2,2Midspan chat Why?")
        editor.until(lambda: "- second.py:2  you referred to it" in editor.lines(), "another server was asked")
        editor.until(lambda: page(editor).rstrip().endswith("## You"), "the answer does not end")
        assert page(editor).count("## Midspan") == 1
        editor.api.command("wincmd p")
        editor.api.command("edit #")
        midspan(editor, "chat")
        editor.until(lambda: "Because" in page(editor) and "second.py" not in page(editor), "it is not reopened")


def test_the_cursor_stays_where_the_user_reads_while_an_answer_comes(editor, chat):
    append = "require('midspan.page').append(vim.fn.bufnr('midspan://chat'), 'one\\ntwo\\n')"
    editor.api.exec_lua(append)
    last = len(editor.lines())
    assert editor.api.current.window.cursor[0] == last
    editor.api.current.window.cursor = (1, 0)
    editor.api.exec_lua(append)
    assert editor.api.current.window.cursor[0] == 1
    assert len(editor.lines()) == last + 2
