"""Completion is switched off and on in Neovim, and the statusline follows."""

from tests.e2e import scripted
from tests.e2e.neovim import Neovim, needs_neovim
from tests.e2e.scripted_neovim import asked, midspan, own_file, running_neovim

GHOST_TEXT = "first_word + second.word()"
# This timer ends after every timer that could request ghost text: those are shorter, and were set earlier.
OUTLAST_PAUSES = """
pauses_are_over = false
vim.defer_fn(function() pauses_are_over = true end, 600)
"""
SERVERS_STATE = """
local client = require('midspan.server').clients(0)[1]
local params = { uri = vim.uri_from_bufnr(0) }
return client:request_sync('midspan/status', params, 10000).result.completion.state
"""

STATUSLINE_OF = """
local name = ...
local window = vim.fn.bufwinid(name)
return vim.api.nvim_eval_statusline("%{v:lua.require('midspan').statusline()}", { winid = window }).str
"""

pytestmark = needs_neovim


running = running_neovim(scripted.ANSWERS)
editor = own_file


def statusline(editor: Neovim) -> str:
    return str(editor.api.exec_lua("return require('midspan').statusline()"))


def test_off_is_shown_and_requests_nothing(editor):
    editor.type("ix = ")
    editor.see(GHOST_TEXT)
    midspan(editor, "toggle")
    assert statusline(editor) == "midspan off"
    editor.see("")
    before = asked(editor)
    editor.type("<C-u>x = ")
    editor.until(lambda: editor.lines()[0] == "x = ", "the keys have no effect")
    editor.api.exec_lua(OUTLAST_PAUSES)
    editor.until(lambda: editor.api.exec_lua("return pauses_are_over"), "the timer does not end")
    assert editor.status()  # the server answers it after all requests before it
    assert editor.ghost_text() == ""
    assert asked(editor) == before
    midspan(editor, "toggle")
    editor.until(lambda: statusline(editor) != "midspan off", "it is not on again")
    editor.type("<C-u>x = ")
    editor.see(GHOST_TEXT)


def test_a_language_that_is_on_again_is_completed_again(editor):
    midspan(editor, "toggle language")
    assert statusline(editor) == "midspan off"
    editor.until(lambda: editor.api.exec_lua(SERVERS_STATE) == "off", "the server is not told")
    editor.api.exec_lua("vim.api.nvim_exec_autocmds('CursorHold', { buffer = 0 })")
    midspan(editor, "toggle language")
    editor.until(lambda: statusline(editor) == "midspan", "the statusline does not tell")
    editor.type("ix = ")
    editor.see(GHOST_TEXT)


def test_the_statusline_of_a_window_beside_follows_a_rule_that_is_written_meanwhile(editor):
    beside = editor.log_file.with_name("beside.py")
    beside.write_text("y = 1\n")
    editor.api.command(f"vsplit {beside}")
    editor.until(lambda: statusline(editor) == "midspan", "an ordinary file is not completed")
    ignore = editor.log_file.with_name(".midspanignore")
    ignore.write_text("beside.py\n")
    editor.until(lambda: editor.api.exec_lua(SERVERS_STATE) == "off", "the server does not know the rule")
    editor.api.command("noautocmd wincmd p")
    editor.api.exec_lua("vim.api.nvim_exec_autocmds('CursorHold', { buffer = 0 })")
    editor.until(
        lambda: editor.api.exec_lua(STATUSLINE_OF, "beside.py") == "midspan off here", "the statusline does not tell"
    )
    assert "off" not in statusline(editor)
    ignore.unlink()
