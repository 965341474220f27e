"""A model is selected in Neovim, from what `midspan model list` says."""

import json

from tests.e2e import scripted
from tests.e2e.neovim import Neovim, needs_neovim, neovim

pytestmark = needs_neovim

LISTING = {
    "here": [
        {
            "name": "mine",
            "use": ["chat"],
            "size_bytes": 1e9,
            "form": "int8",
            "tokens_per_s": 28.0,
            "fast_enough": ["chat"],
        }
    ],
    "catalogue": [
        {
            "name": "best",
            "use": ["completion", "chat"],
            "size_bytes": 3e9,
            "form": "int4",
            "tokens_per_s": 16.0,
            "fast_enough": ["completion", "chat"],
            "recommended": ["chat"],
        },
        {"name": "big", "use": ["chat"], "size_bytes": 15e9, "form": "int4", "tokens_per_s": 7.0, "fast_enough": []},
        {"name": "huge", "use": ["chat"], "size_bytes": 472e9, "form": None, "tokens_per_s": None},
    ],
}


def select_model(editor: Neovim, words: str, which: int) -> None:
    """Run :Midspan model, whose program prints LISTING, and take one of the models that are offered."""
    editor.api.exec_lua(
        """
        local listing, words, which = ...
        told, offered = {}, {}
        local system, select = vim.system, vim.ui.select
        vim.system = function(_, _, done) done({ code = 0, stdout = listing }) end
        vim.ui.select = function(models, options, take)
          offered = vim.tbl_map(options.format_item, models)
          take(models[which])
        end
        local client = vim.lsp.get_clients({ bufnr = 0 })[1]
        client.notify = function(_, method, settings) table.insert(told, { method, settings }) end
        vim.cmd('Midspan model ' .. words)
        vim.wait(60000, function() return #told > 0 end)
        client.notify, vim.system, vim.ui.select = nil, system, select
        """,
        json.dumps(LISTING),
        words,
        which,
    )


_SPY = """
local tell = require('midspan.model').tell
require('midspan.model').tell = function(client)
  local notify = client.notify
  client.notify = function(self, method, params)
    if method == 'midspan/userSettings' then told_later = params end
    return notify(self, method, params)
  end
  tell(client)
end
"""


def test_a_model_is_selected_for_completion_and_for_chat(tmp_path):
    folder = scripted.scripted_project(tmp_path, scripted.ANSWERS)
    other = scripted.scripted_project(tmp_path / "other", {})
    (other / "second.py").write_text("x = 1\n")
    with neovim(folder, folder / "first.py", scripted=True) as editor:
        _select_both(editor)
        editor.api.exec_lua(_SPY)
        editor.api.command(f"edit {other / 'second.py'}")
        editor.until(lambda: editor.api.exec_lua("return told_later") is not None, "a later server is not told")
        told = editor.api.exec_lua("return told_later")
        assert told == {"completion": {"model": None}, "chat": {"model": None}}


def _select_both(editor: Neovim) -> None:
    editor.api.exec_lua("notified = {}; vim.notify = function(text) table.insert(notified, text) end")
    select_model(editor, "", 1)
    assert editor.api.exec_lua("return told") == [["midspan/userSettings", {"completion": {"model": None}}]]
    select_model(editor, "chat", 2)
    assert editor.api.exec_lua("return offered") == [
        "none, no chat",
        "mine, 1.0 GB, about 28 tokens/s, fast enough here",
        "best, 3.0 GB, about 16 tokens/s, recommended: the largest that is fast enough here, not downloaded yet",
        "big, 15.0 GB, about 7 tokens/s, slow here, not downloaded yet",
        "huge, 472.0 GB, needs more memory than this machine has, not downloaded yet",
    ]
    assert editor.api.exec_lua("return told") == [
        ["midspan/userSettings", {"completion": {"model": None}, "chat": {"model": "mine"}}]
    ]
    assert editor.api.exec_lua("return notified") == [
        "Midspan now completes with the built-in model",
        "Midspan now chats and edits with mine",
    ]
    select_model(editor, "chat none", 0)
    assert editor.api.exec_lua("return told[1][2].chat") == {"model": None}
