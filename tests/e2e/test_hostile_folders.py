"""A folder does not choose the server that its user's code is sent to, whichever editor opens it.

Each folder has the editor's own file of settings, which names a server. The server must receive nothing, and the user's
own model completes.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bigram_folder import write_bigram_folder
from tests.e2e import emacs as emacs_batch
from tests.e2e.conftest import THEIR_WORD, bring_model, hostile
from tests.e2e.conftest import USERS_WORD as WORD
from tests.e2e.emacs_terminal import Emacs, emacs
from tests.e2e.neovim import PROGRAM, Neovim, neovim
from tests.inference.remote.api_server import ApiServer

# In CI a missing editor is a failure: the project's own scripts install both.
pytestmark = pytest.mark.skipif(
    not (PROGRAM.exists() and emacs_batch.PROGRAM.exists()) and not os.environ.get("CI"),
    reason="An editor is not installed: make .tools/emacs/emacs .tools/nvim/nvim",
)


class TestEmacs:
    @pytest.fixture
    def settings(self, folder: Path, server: ApiServer) -> str:
        settings = f'(:midspan (:completion (:model "{hostile(server)}")))'
        (folder / ".dir-locals.el").write_text(f"((nil . ((eglot-workspace-configuration . {settings}))))")
        return settings

    def complete(self, editor: Emacs, folder: Path) -> None:
        editor.open(folder / "area.py", "")
        editor.type("x = ")
        editor.until(lambda: editor.ghost_text() == WORD, "there is no ghost text of the user's model")

    def warnings(self, editor: Emacs) -> str:
        shown = editor.lisp('(and (get-buffer "*Warnings*") (with-current-buffer "*Warnings*" (buffer-string)))')
        return str(shown or "")

    def test_a_folders_variables_choose_no_server_and_the_user_is_told_once(self, folder, settings, server):
        with emacs(folder) as editor:
            self.complete(editor, folder)
            assert editor.lisp("(plist-get eglot-workspace-configuration :midspan)")  # Emacs took it without a word
            editor.lisp("(progn (eglot-signal-didChangeConfiguration (eglot-current-server)) t)")
            editor.press("Tab", "Enter")
            editor.type("y = ")
            editor.until(lambda: editor.text().endswith("y = "), "the keys have no effect")
            editor.until(lambda: editor.ghost_text() == WORD, "the user's model completes no more")
            assert self.warnings(editor).count("eglot-workspace-configuration") == 1
        assert server.received == []

    def test_the_users_own_settings_hold(self, folder, settings, server, tmp_path):
        mine = write_bigram_folder(tmp_path / "other", "mag")
        setup = f'(setq midspan-settings \'(:completion (:model "{mine}")))'
        with emacs(folder, setup=setup) as editor:
            editor.open(folder / "area.py", "")
            editor.type("x = ")
            editor.until(lambda: editor.ghost_text() == "mag", "there is no ghost text of the user's model")
        assert server.received == []

    def test_without_our_mode_the_server_refuses_and_tells_why(self, folder, settings, server):
        (folder / "area.py").write_text("x = \n")
        command = " ".join(json.dumps(word) for word in (sys.executable, "-m", "lsp_server.cli", "serve"))
        script = folder.parent / "plain.el"
        script.write_text(f"""
(require 'eglot)
(setq eglot-sync-connect 60 eglot-autoshutdown nil vc-handled-backends nil)
(find-file {json.dumps(str(folder / "area.py"))})
(python-mode)
(hack-dir-local-variables-non-file-buffer)
(eglot 'python-mode (cons 'transient {json.dumps(f"{folder}/")}) 'eglot-lsp-server '({command}) '("python"))
(let ((place (list :textDocument (eglot--TextDocumentIdentifier) :position '(:line 0 :character 4))))
  (with-timeout (120 (error "no completion"))
    (while (not (string-search "{WORD}" (format "%S" (jsonrpc-request (eglot-current-server) :textDocument/completion
                                                                    place :timeout 60))))
      (accept-process-output nil 0.1))))
(message "completed")
""")
        command_line = [emacs_batch.PROGRAM, "-Q", "--batch", "-l", script]
        done = subprocess.run(command_line, capture_output=True, text=True, timeout=180, check=False)
        assert "completed" in done.stderr, done.stderr
        assert "'completion.model' is a server in the editor's settings" in done.stderr
        assert server.received == []


class TestNeovim:
    def complete(self, editor: Neovim) -> None:
        editor.type("Ox = ")
        editor.until(lambda: editor.ghost_text() == WORD, "there is no ghost text of the user's model")

    def messages(self, editor: Neovim) -> str:
        return str(editor.api.exec_lua("return vim.fn.execute('messages')"))

    # The ways of what takes settings from a project's files: neoconf, nlsp-settings and codesettings.
    @pytest.mark.parametrize(
        "members",
        ["settings = {{ midspan = {options} }}", "init_options = {options}"],
        ids=["settings", "init_options"],
    )
    def test_settings_of_a_project_choose_no_server_and_the_user_is_told(self, folder, server, members):
        options = f"{{ completion = {{ model = {json.dumps(hostile(server))} }} }}"
        setup = f"vim.lsp.config('midspan', {{ {members.format(options=options)} }})"
        with neovim(folder.parent, folder / "area.py", setup=setup) as editor:
            self.complete(editor)
            editor.until(
                lambda: "'completion.model' is a server in the editor's settings" in editor.log(), "it is not told"
            )
        assert server.received == []

    def test_a_file_of_the_project_that_is_not_trusted_is_not_run(self, folder, server):
        (folder / ".nvim.lua").write_text(
            f"require('midspan').setup{{ settings = {{ completion = {{ model = {json.dumps(hostile(server))} }} }} }}"
        )
        setup = f"vim.cmd.cd({json.dumps(str(folder))})\nvim.o.exrc = true"
        with neovim(folder.parent, folder / "area.py", setup=setup) as editor:
            self.complete(editor)
        assert server.received == []

    def test_the_users_own_settings_hold(self, folder, server, tmp_path):
        mine = write_bigram_folder(tmp_path / "other", "mag")
        setup = (
            f"local options = require('midspan').options\n"
            f"options.settings = {{ completion = {{ model = {json.dumps(str(mine))} }} }}\n"
            f"require('midspan').setup(options)"
        )
        with neovim(folder.parent, folder / "area.py", setup=setup) as editor:
            editor.type("Ox = ")
            editor.until(lambda: editor.ghost_text() == "mag", "there is no ghost text of the user's model")


@pytest.mark.parametrize(("choice", "word"), [(2, THEIR_WORD), (1, WORD)], ids=["allowed", "not-now"])
def test_neovim_asks_about_a_model_that_came_with_the_folder(folder, choice, word):
    bring_model(folder)
    setup = """
vim.ui.select = function(items, options, on_choice)
  _G.asked = options.prompt
  _G.choose = function(number) on_choice(items[number]) end
end
"""
    with neovim(folder.parent, folder / "area.py", setup=setup) as editor:
        editor.until(lambda: str(folder / "m") in (editor.api.exec_lua("return _G.asked") or ""), "nothing is asked")
        editor.api.exec_lua(f"_G.choose({choice})")
        model = "m" if word == THEIR_WORD else "mine"
        editor.until(lambda: editor.status()["completion"]["model"] == model, f"the model is not {model!r}")
        editor.type("Ox = ")
        editor.until(lambda: editor.ghost_text() == word, f"there is no ghost text {word!r}")


def test_emacs_asks_about_a_model_that_came_with_the_folder(folder):
    bring_model(folder)
    with emacs(folder) as editor:
        editor.open(folder / "area.py", "")
        editor.until(lambda: "Choose an option: Not now" in editor.screen(), "nothing is asked")
        # A message of eglot may stand over the question for a moment.
        editor.until(lambda: str(folder / "m") in editor.screen().replace("\n", "").replace("\\", ""), "no folder")
        editor.press("C-a", "C-k")
        editor.type("Allow")
        editor.press("Enter")
        model = "(plist-get (plist-get (midspan-server-status (car (midspan-servers))) :completion) :model)"
        editor.until(lambda: editor.lisp(model) == "m", "the model is not the one that was allowed")
        editor.type("x = ")
        editor.until(lambda: editor.ghost_text() == THEIR_WORD, "their model does not complete")
