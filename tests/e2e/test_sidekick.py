"""sidekick.nvim, as it is, shows and accepts Midspan's next edits in a real Neovim."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import scripted
from tests.e2e.neovim import ROOT, Neovim, needs_neovim, neovim

SIDEKICK = ROOT.parent / "shared/peers/sidekick.nvim"
pytestmark = [
    needs_neovim,
    pytest.mark.skipif(not SIDEKICK.exists(), reason="needs sidekick.nvim in ../shared/peers"),
]

TEXT = """\
def add_up(items):
    count = 0
    for item in items:
        count += item
    return count
"""
SETUP = f"""
vim.opt.runtimepath:append('{SIDEKICK}')
require('sidekick').setup{{}}
vim.keymap.set('n', '<Tab>', function() require('sidekick').nes_jump_or_apply() end)
"""
# The first line of each shown edit, counted from 1.
SHOWN = """
return vim.tbl_map(function(edit) return edit.from[1] + 1 end, require('sidekick.nes').get())
"""


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Neovim]:
    folder = scripted.scripted_project(tmp_path / "project", {})
    (folder / "a.py").write_text(TEXT)
    with neovim(folder, folder / "a.py", setup=SETUP, scripted=True, client_name="midspan-copilot") as found:
        yield found


def shows(editor: Neovim, line: int) -> None:
    editor.until(lambda: editor.api.exec_lua(SHOWN) == [line], f"no edit is shown at line {line}")


def test_a_rename_is_followed_by_tab_to_jump_and_tab_to_accept(editor):
    editor.type("2Gwciwtotal<Esc>")
    shows(editor, 4)
    editor.type("<Tab>")
    editor.until(lambda: tuple(editor.api.current.window.cursor) == (4, 8), "Tab does not jump")
    editor.type("<Tab>")
    editor.until(lambda: editor.lines()[3] == "        total += item", "Tab does not accept")
    shows(editor, 5)
    editor.type("<Tab>")
    editor.until(lambda: editor.api.current.window.cursor[0] == 5, "Tab does not jump on")
    editor.type("<Tab>")
    editor.until(lambda: editor.lines()[4] == "    return total", "Tab does not accept on")
    assert editor.lines() == TEXT.replace("count", "total").splitlines()
    editor.until(lambda: editor.api.exec_lua(SHOWN) == [], "an edit is shown that is done")
    editor.type("u")
    editor.until(lambda: editor.lines()[4] == "    return count", "undo does not take back the last edit")
    assert editor.lines()[3] == "        total += item"
    assert "a next edit (rename) was accepted" in editor.log()
