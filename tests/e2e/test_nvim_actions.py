"""Code actions in the real Neovim, which resolves them itself and knows no change annotations."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bigram_folder import write_bigram_folder
from tests.e2e.neovim import Neovim, needs_neovim, neovim

WORD = "wonderful"
RUN = """
local kind = ...
vim.lsp.buf.code_action({ apply = true, filter = function(action) return action.kind == kind end })
"""

pytestmark = needs_neovim


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neovim]:
    folder = tmp_path_factory.mktemp("project")
    (folder / ".git").mkdir()
    (folder / "cart.py").write_text("class Cart:\n    pass\n")
    model = write_bigram_folder(tmp_path_factory.mktemp("model") / "m", WORD)
    with neovim(folder, folder / "first.py", "--model", model) as editor:
        yield editor


def edit(editor: Neovim, name: str, text: str) -> None:
    path = Path(editor.log_file.with_name(name))
    path.write_text(text)
    editor.type("<Esc>")
    editor.api.command(f"edit! {path}")


def test_a_body_is_filled_and_undone_in_one_step(editor):
    edit(editor, "body.py", "é = '😀'\ndef f(a):\n    pass\n\nx = 1\n")
    editor.api.current.window.cursor = (2, 4)
    editor.api.exec_lua(RUN, "refactor.rewrite.midspan.body")
    filled = ["é = '😀'", "def f(a):", f"    {WORD}", "", "x = 1"]
    editor.until(lambda: editor.lines() == filled, "the body was not filled")
    editor.api.command("undo")
    assert editor.lines()[2] == "    pass"


def test_an_import_is_added_without_the_model(editor):
    edit(editor, "shop.py", "import os\n\nx = Cart()\n")
    editor.api.current.window.cursor = (3, 5)
    editor.until(
        lambda: "quickfix.midspan.import" in kinds(editor), "the import is not offered"
    )  # after the file is indexed
    editor.api.exec_lua(RUN, "quickfix.midspan.import")
    imported = ["import os", "", "from cart import Cart", "", "x = Cart()"]
    editor.until(lambda: editor.lines() == imported, "the import was not added")


def kinds(editor: Neovim) -> str:
    """Return the kinds of the actions at the cursor that need no model."""
    offered = editor.api.exec_lua(
        """
        local client = vim.lsp.get_clients({ name = 'midspan' })[1]
        local params = vim.lsp.util.make_range_params(0, client.offset_encoding)
        params.context = { diagnostics = {} }
        local response = client:request_sync('textDocument/codeAction', params, 10000)
        local kinds = {}
        for _, action in ipairs(response and response.result or {}) do
          if action.data.detail ~= 'Cart ?' then table.insert(kinds, action.kind) end
        end
        return table.concat(kinds, ' ')
        """
    )
    return str(offered)
