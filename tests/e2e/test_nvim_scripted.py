"""The plugin works with known answers, in Neovim 0.12 with Neovim's ghost text and in 0.11 with ours."""

import re
from collections.abc import Callable, Iterator

import psutil
import pynvim
import pytest

from tests.e2e import scripted
from tests.e2e.neovim import ROOT, Neovim
from tests.e2e.scripted_neovim import midspan, open_empty_file, own_file, running_neovim

KEEP = "Keep everything else in this part as it is. Answer with the whole new text of this part."
ANSWERS = scripted.ANSWERS | {
    f"double it\n\n{KEEP}\n": "```python\ny = 2 * 2\n```",
    "def volume(a, b, c):\n    ": "return a * b * c",
    "v = ": "call(1)",
    ", imports included.\n": "```python\ndef test_twice():\n    assert twice(2) == 4\n```",
}


running = running_neovim(ANSWERS)
editor = own_file


def accept_a_word(editor: Neovim) -> None:
    editor.type("ix = ")
    editor.see("first_word + second.word()")
    editor.type("<C-Right>")
    editor.until(lambda: editor.lines()[0] == "x = first_word", "no word was accepted")
    editor.see(" + second.word()")


def accept_the_rest(editor: Neovim) -> None:
    editor.type("<Tab>")
    editor.until(lambda: editor.lines()[0] == "x = first_word + second.word()", "the rest was not accepted")


def test_a_word_a_line_and_the_rest_are_accepted(editor):
    accept_a_word(editor)
    editor.type("<C-Right>")
    editor.until(lambda: editor.lines()[0] == "x = first_word +", "no word was accepted")
    editor.see(" second.word()")
    accept_the_rest(editor)


def test_pieces_are_accepted_as_fast_as_the_keys_come(editor):
    """A key that came before the rest was shown would move the cursor to the next line, or insert a tab."""
    editor.type("iy = 1<Esc>O")
    editor.type("x = ")
    editor.see("first_word + second.word()")
    editor.type("<C-Right><C-Right><C-Right><Tab>!")
    editor.until(lambda: "!" in editor.lines()[0], "the keys have no effect")
    assert editor.lines() == ["x = first_word + second.word()!", "y = 1"]


def test_undo_takes_back_an_acceptance_and_leaves_what_was_typed_around_it(editor):
    accept_a_word(editor)
    accept_the_rest(editor)
    editor.type("[0]<Esc>")
    editor.until(lambda: editor.lines()[0] == "x = first_word + second.word()[0]", "the end was not typed")
    for line in ("x = first_word + second.word()", "x = first_word", "x = ", ""):
        editor.type("u")
        editor.until(lambda line=line: editor.lines()[0] == line, "undo took back more or less than one step")


def test_several_lines_are_ghost_text_and_one_or_all_of_them_accepted(editor):
    editor.type("idef area(w, h):<CR>")
    editor.until(lambda: editor.lines() == ["def area(w, h):", "    "], "the text is not there")
    editor.see("total = w * h\n    return total")
    editor.type("<C-End>")
    editor.until(lambda: editor.lines()[1] == "    total = w * h", "no line was accepted")
    editor.see("\n    return total")
    editor.type("<Tab>")
    editor.until(lambda: editor.lines()[1:3] == ["    total = w * h", "    return total"], "no block")


def test_an_emoji_before_the_cursor(editor):
    editor.type("is = '😀' + ")
    editor.see("name")
    editor.type("<Tab>")
    editor.until(lambda: editor.lines()[0] == "s = '😀' + name", "it went elsewhere")


def test_a_key_takes_ghost_text_away_and_does_nothing_else(editor):
    editor.type("ix = ")
    editor.see("first_word + second.word()")
    editor.type("<C-]>")
    editor.see("")
    assert editor.lines()[0] == "x = "


@pytest.mark.parametrize(("keys", "line"), [("q", "x = q"), ("<C-u>z = ", "z = "), ("<C-u>", "")])
def test_ghost_text_that_no_longer_fits_is_gone_at_once(editor, keys, line):
    editor.type("ix = ")
    editor.see("first_word + second.word()")
    editor.type(keys)
    editor.until(lambda: editor.lines()[0] == line, "the keys are lost")
    assert editor.ghost_text() == ""


def test_a_user_who_asks_before_neovim_does_is_answered(editor):
    editor.api.exec_lua("""
        local rpc = vim.lsp.get_clients({ bufnr = 0 })[1].rpc
        local request = rpc.request
        kinds = {}
        rpc.request = function(method, params, ...)
          if method == 'textDocument/inlineCompletion' then table.insert(kinds, params.context.triggerKind) end
          return request(method, params, ...)
        end
    """)
    editor.type("ix = <M-a>")
    editor.see("first_word + second.word()")
    assert 1 in editor.api.exec_lua("return kinds")  # invoked by the user


def test_ghost_text_is_not_shown_beside_a_bracket_that_a_plugin_closes(editor):
    """The user types the bracket of the ghost text, and the plugin adds one that the rest has too."""
    editor.api.command("inoremap <buffer> ( ()<Left>")
    editor.type("iv = ")
    editor.see("call(1)")
    editor.type("call(")
    editor.until(lambda: editor.lines()[0] == "v = call()", "the plugin closes no bracket")
    assert editor.ghost_text() == ""
    editor.type("<Tab>")
    editor.until(lambda: editor.lines()[0] != "v = call()", "the key is lost")
    assert "1" not in editor.lines()[0]


def read_again(editor: Neovim) -> None:
    editor.api.command("edit!")


def restart(editor: Neovim) -> None:
    before = editor.server().pid
    midspan(editor, "restart")
    editor.until(lambda: (server := children(editor)) and before not in server, "no other relay")
    editor.until(lambda: editor.status().get("ready"), "the new server is not ready")


def off_and_on(editor: Neovim) -> None:
    midspan(editor, "toggle")
    midspan(editor, "toggle")


def children(editor: Neovim) -> list[int]:
    return [process.pid for process in psutil.Process(editor.process.pid).children()]


@pytest.mark.parametrize("again", [read_again, restart, off_and_on])
@pytest.mark.parametrize("key", ["<Left>", "<Up>", "<Home>"])
def test_ghost_text_that_the_cursor_leaves_is_gone_at_once(editor, again, key):
    again(editor)
    editor.until(lambda: editor.api.exec_lua("return #vim.lsp.get_clients({ bufnr = 0 })") == 1, "not attached again")
    editor.type("oy = 1<CR>x = ")
    editor.see("first_word + second.word()")
    editor.type(key)
    editor.until(lambda: tuple(editor.api.current.window.cursor) != (3, 4), "the cursor stays")
    assert editor.ghost_text() == ""


@pytest.fixture
def notified(editor: Neovim) -> Iterator[Callable[[], list[str]]]:
    """Collect the notifications instead of showing them."""
    editor.api.exec_lua("""
        notified, notify = {}, vim.notify
        vim.notify = function(text) table.insert(notified, text) end
    """)
    yield lambda: list(editor.api.exec_lua("return notified"))
    editor.api.exec_lua("vim.notify = notify")


def test_a_bar_ends_a_command_and_only_a_file_type_is_toggled(editor, notified):
    midspan(editor, "toggle | let g:behind = 1")
    assert editor.api.vars["behind"] == 1
    midspan(editor, "toggle pyhton")
    midspan(editor, "toggle")
    assert notified() == ["Midspan is off", ":Midspan toggle: pyhton is no file type", "Midspan is on"]


def test_the_status_names_no_model_where_there_is_none(editor, notified):
    editor.api.exec_lua("""
        local client = vim.lsp.get_clients({ bufnr = 0 })[1]
        local request = rawget(client, 'request')
        client.request = function(_, _, _, handler)
          handler(nil, {
            completion = { state = 'ready', model = 'built-in', reason = vim.NIL },
            chat = { state = 'none', model = '', reason = 'The setting chat.model names no model.' },
          })
        end
        require('midspan.status').show()
        client.request = request
    """)
    assert notified() == [
        "completion by built-in: ready\nchat: none: The setting chat.model names no model.",
    ]


def test_the_status_says_why_a_buffer_is_not_served(editor, notified):
    editor.api.command("enew!")
    for name, why in {
        "": "this buffer has no file type; `:set filetype=…` gives it one",
        "wordy": "the option `filetypes` lacks wordy",
    }.items():
        editor.api.command(f"set filetype={name}")
        midspan(editor, "status")
        begin = f"nothing is completed here: {why}\ncompletion by fake: ready"
        editor.until(lambda begin=begin: notified() and notified()[-1].startswith(begin), "it does not say why")


def test_the_error_about_an_unknown_word_names_the_known_words(editor):
    with pytest.raises(pynvim.NvimError, match=r"has no subcommand tuggle; it has .*toggle"):
        midspan(editor, "tuggle")


def test_restart_starts_another_relay_with_the_same_buffers(editor):
    editor.type("iy = 2<Esc>")
    before = editor.server().pid
    midspan(editor, "restart")
    editor.until(lambda: editor.api.exec_lua("return #vim.lsp.get_clients({ bufnr = 0 })") == 1, "not attached again")
    relays = psutil.Process(editor.process.pid).children
    editor.until(lambda: [relay.pid for relay in relays()] not in ([before], []) and len(relays()) == 1, "no relay")
    editor.until(lambda: editor.status().get("ready"), "the new server is not ready")
    editor.type("Gox = ")
    editor.see("first_word + second.word()")


def test_the_help_has_tags_and_every_word_of_the_command(editor, tmp_path):
    text = (ROOT / "editors/nvim/doc/midspan.txt").read_text()
    (tmp_path / "midspan.txt").write_text(text)
    editor.api.command(f"helptags {tmp_path}")
    assert ":Midspan\t" in (tmp_path / "tags").read_text()
    words = editor.api.funcs.getcompletion("Midspan ", "cmdline")
    assert "toggle" in words
    assert [word for word in words if not re.search(rf":(\[range\])?Midspan {word}\b", text)] == []


def write(editor: Neovim, keys: str, lines: list[str]) -> None:
    editor.type(keys)
    editor.until(lambda: editor.lines() == lines and editor.api.funcs.mode() == "n", "the keys have no effect")


def test_an_edit_is_a_diff_that_is_taken_or_left(editor):
    write(editor, "iy = 2<CR>z = 3<Esc>gg", ["y = 2", "z = 3"])
    midspan(editor, "edit double it")
    editor.until(lambda: editor.api.current.buffer.name.endswith("midspan://edit"), "no diff")
    assert editor.lines() == ["y = 2 * 2", "z = 3"]
    assert len(editor.api.windows) == 2
    editor.type("q")
    editor.until(lambda: len(editor.api.windows) == 1, "the diff stays")
    assert editor.lines() == ["y = 2", "z = 3"]
    midspan(editor, "edit double it")
    editor.until(lambda: editor.api.current.buffer.name.endswith("midspan://edit"), "no second diff")
    editor.type("<CR>")
    editor.until(lambda: editor.lines() == ["y = 2 * 2", "z = 3"] and len(editor.api.windows) == 1, "not taken")
    assert not editor.api.current.window.options["diff"]


@pytest.mark.parametrize("leave", ["<C-w>p", "<C-w>c", ":bdelete<CR>"])
def test_a_diff_that_was_left_without_an_answer_makes_way_for_the_next_one(editor, leave):
    write(editor, "iy = 2<CR>z = 3<Esc>gg", ["y = 2", "z = 3"])
    midspan(editor, "edit double it")
    editor.until(lambda: editor.api.current.buffer.name.endswith("midspan://edit"), "no diff")
    editor.type(leave)
    editor.until(lambda: not editor.api.current.buffer.name.endswith("midspan://edit"), "the diff was not left")
    write(editor, "j0cwzz<Esc>gg", ["y = 2", "zz = 3"])
    midspan(editor, "edit double it")
    editor.until(lambda: editor.api.current.buffer.name.endswith("midspan://edit"), "no second diff")
    assert editor.lines() == ["y = 2 * 2", "zz = 3"]
    editor.type("<CR>")
    editor.until(lambda: editor.lines() == ["y = 2 * 2", "zz = 3"] and len(editor.api.windows) == 1, "not taken")


def test_an_edit_of_text_that_has_changed_since_changes_nothing(editor):
    write(editor, "iy = 2<Esc>", ["y = 2"])
    midspan(editor, "edit double it")
    editor.until(lambda: editor.api.current.buffer.name.endswith("midspan://edit"), "no diff")
    editor.type("<C-w>pA + 1<Esc><C-w>p")
    editor.until(lambda: editor.api.windows[0].buffer[0] == "y = 2 + 1", "the text did not change")
    editor.type("<CR>")
    editor.until(lambda: len(editor.api.windows) == 1, "the diff stays")
    assert editor.lines()[0] == "y = 2 + 1"


def test_tests_open_beside_the_code_and_are_written_where_there_is_no_folder_yet(editor):
    open_empty_file(editor, "twice")
    write(editor, "idef twice(a):<CR>return 2 * a<Esc>gg", ["def twice(a):", "    return 2 * a"])
    folder = editor.log_file.parent / "tests"
    assert not folder.exists()
    midspan(editor, "tests")
    editor.until(lambda: editor.lines() == ["def test_twice():", "    assert twice(2) == 4"], "no tests are shown")
    assert len(editor.api.windows) == 2
    assert editor.api.current.buffer.options["filetype"] == "python"
    assert not folder.exists(), "only the user writes the file"
    editor.api.command("write")
    (written,) = folder.iterdir()
    assert written.read_text() == "def test_twice():\n    assert twice(2) == 4\n"


def test_an_action_fills_the_body_of_a_function(editor):
    write(editor, "idef volume(a, b, c):<CR>pass<Esc>gg", ["def volume(a, b, c):", "    pass"])
    midspan(editor, "body")
    editor.until(lambda: editor.lines()[:2] == ["def volume(a, b, c):", "    return a * b * c"], "no body")
