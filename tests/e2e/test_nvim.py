import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bigram_folder import write_bigram_folder
from tests.e2e.neovim import PROGRAM, PROGRAM_0_11, Neovim, needs_neovim, neovim
from tests.e2e.waiting import WAIT_S
from tests.lsp_server.daemons import is_at_rest

WORD = "wonderful"
TAB = "    "  # the text of the Tab key in a Python file

TAB_WALKS_THE_MENU = """
vim.keymap.set('i', '<Tab>', function() return vim.fn.pumvisible() == 1 and '<C-n>' or '<Tab>' end, { expr = true })
"""

# Neovim's own requests wait for a pause in the typing. These do not wait, like the requests of other editors.
ASK_AT_EVERY_KEY = """
vim.api.nvim_create_autocmd('TextChangedI', { callback = function()
  local client = vim.lsp.get_clients({ name = 'midspan' })[1]
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  params.context = { triggerKind = vim.lsp.protocol.InlineCompletionTriggerKind.Automatic }
  client:request('textDocument/inlineCompletion', params, function() end, 0)
end })
"""

pytestmark = needs_neovim


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    path = tmp_path / "area.py"
    path.write_text("first = 1\n\n")
    return path


@pytest.fixture(scope="module", params=[PROGRAM, PROGRAM_0_11], ids=["0.12", "0.11"])
def running(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Neovim]:
    """A Neovim that several tests share; each test works in a file of its own."""
    folder = tmp_path_factory.mktemp("project")
    (folder / ".git").mkdir()
    model = write_bigram_folder(folder / "model", WORD)
    with neovim(folder, folder / "first.py", "--model", model, program=request.param) as editor:
        yield editor


@pytest.fixture
def editor(running: Neovim, request: pytest.FixtureRequest) -> Neovim:
    path = running.log_file.with_name(f"{request.node.name.partition('[')[0]}.py")
    path.write_text("first = 1\n\n")
    running.type("<Esc>")
    running.api.command(f"edit! {path}")
    return running


def test_typing_brings_ghost_text_and_tab_accepts_it(editor):
    editor.type("GAx = ")
    editor.see(WORD)
    assert editor.lines() == ["first = 1", "x = "]
    accepted = editor.status()["accepted_items"]
    editor.type("<Tab>")
    editor.until(lambda: editor.lines() == ["first = 1", f"x = {WORD}"], "Tab did not accept")
    editor.until(lambda: editor.status()["accepted_items"] == accepted + 1, "the acceptance was not recorded")
    editor.type("!<Esc>:write<CR>")
    written = Path(editor.api.current.buffer.name)
    editor.until(lambda: written.read_text() == f"first = 1\nx = {WORD}!\n", "typing did not go on at the end")


def test_tab_completes_ghost_text_of_which_a_part_is_typed(editor):
    editor.type("GAx = ")
    editor.see(WORD)
    editor.type("won<Tab>!")  # before a newer answer can arrive
    editor.until(lambda: editor.lines()[1] == f"x = {WORD}!", "the rest was not accepted")


def test_tab_is_a_tab_when_something_else_has_been_typed_since(editor):
    editor.type("GAx = ")
    editor.see(WORD)
    editor.type("zz<Tab>!")
    editor.until(lambda: editor.lines()[1] == "x = zz  !", "Tab was not a tab")


def test_tab_without_ghost_text_is_a_tab_and_what_the_user_has_mapped_it_to(editor):
    editor.type("ggI<Tab>")
    editor.until(lambda: editor.lines()[0] == f"{TAB}first = 1", "Tab was not a tab")
    editor.api.exec_lua("vim.keymap.set('i', '<Tab>', function() return 'mapped' end, { expr = true })")
    editor.type("<Tab>")
    editor.until(lambda: editor.lines()[0] == f"{TAB}mappedfirst = 1", "the mapping was lost")
    editor.api.exec_lua("vim.keymap.del('i', '<Tab>')")


def test_tab_leaves_an_open_menu_to_its_mapping(editor):
    editor.api.exec_lua(TAB_WALKS_THE_MENU)
    editor.type("GAfirst_one = first_two = fir")
    editor.see(WORD)
    editor.type("<C-n>")
    editor.until(lambda: editor.api.funcs.pumvisible(), "the menu did not open")
    editor.see(WORD)  # the menu has put an entry into the text
    before = editor.lines()[1]
    editor.type("<Tab>")
    editor.until(lambda: editor.lines()[1] != before, "Tab did nothing in the menu")
    assert WORD not in editor.lines()[1]
    assert editor.api.funcs.pumvisible()


def test_fifty_fast_keystrokes_leave_one_live_request_and_no_leak(tmp_path, source):
    word = string.ascii_letters + string.digits  # long, because a text that repeats itself sooner is not shown
    model = write_bigram_folder(tmp_path / "endless", word, endless=True)
    with neovim(tmp_path, source, "--model", model, setup=ASK_AT_EVERY_KEY) as editor:
        editor.type("GAa")
        editor.until(editor.ghost_text, "no ghost text before")
        threads = editor.daemon().num_threads()
        typed = "".join(chr(ord("a") + number % 26) for number in range(1, 51))
        seen = []
        for key in typed:
            editor.type(key)
            seen.append(editor.status())
        # None where the request of each key has ended before a busy editor looks.
        assert max(status["running_requests"] for status in seen) <= 1
        assert max(status["live_requests"] for status in seen) <= 1
        # The answer to an earlier key goes on as the user types, so its rest is shown.
        editor.until(lambda: (rest := editor.ghost_text()) and rest in word * 3, "no ghost text behind the last key")
        editor.until(lambda: is_at_rest(editor.status()), "a request or its pages are left over")
        assert editor.daemon().num_threads() < threads + 25  # pools may start others; a leak is a thread for each key
        waiting = "return vim.tbl_count(vim.lsp.get_clients()[1].requests)"
        editor.until(lambda: editor.api.exec_lua(waiting) == 0, "Neovim waits for an answer")
        assert editor.lines()[1] == f"a{typed}"
        outcomes = [line for line in editor.log().splitlines() if "lsp_server.server.session: area.py:2:" in line]
        assert len(outcomes) > 50


def test_the_server_leaves_when_neovim_is_killed(tmp_path, source):
    model = write_bigram_folder(tmp_path / "model", WORD)
    with neovim(tmp_path, source, "--model", model) as editor:
        server = editor.server()
        editor.process.kill()
        server.wait(WAIT_S)  # raises TimeoutExpired when it stays


def test_a_daemon_that_is_killed_is_only_a_pause(tmp_path, source):
    model = write_bigram_folder(tmp_path / "model", WORD)
    with neovim(tmp_path, source, "--model", model) as editor:
        editor.type("GAx = ")
        editor.see(WORD)
        before = editor.daemon()
        before.kill()
        before.wait(WAIT_S)
        editor.until(lambda: editor.status().get("ready"), "the model did not come back")
        editor.type("<C-u>")
        editor.see("")
        editor.type("y = ")
        editor.see(WORD)
        editor.type("<Tab>")
        editor.until(lambda: editor.lines() == ["first = 1", f"y = {WORD}"], "Tab did not accept")
        assert editor.daemon().pid != before.pid
        assert editor.api.exec_lua("return #vim.lsp.get_clients()") == 1


def test_two_neovims_share_a_model_and_not_their_documents(tmp_path, source):
    model = write_bigram_folder(tmp_path / "model", WORD)
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    other_source = other_folder / "length.py"
    other_source.write_text("other = 2\n")
    with neovim(tmp_path, source, "--model", model) as one, neovim(other_folder, other_source, "--model", model) as two:
        assert one.daemon().pid == two.daemon().pid
        for editor, name in ((one, "x"), (two, "y")):
            editor.type(f"Go{name} = ")
        for editor, name in ((one, "x"), (two, "y")):
            editor.see(WORD)
            assert editor.lines()[-1] == f"{name} = "
            assert editor.status()["documents"] == 1


def outcome_at_the_end(editor: Neovim) -> str:
    """Return the outcome in the log for the end of the last line; "" while the log has none."""
    place = f" area.py:{len(editor.lines())}:{len(editor.lines()[-1]) + 1}: "
    outcomes = [line.partition(place)[2] for line in editor.log().splitlines() if place in line]
    return next((outcome for outcome in outcomes if not outcome.startswith("superseded")), "")


def test_the_built_in_model_shows_ghost_text_and_tab_accepts_it(tmp_path, source):
    with neovim(tmp_path, source) as editor:
        call = "total = add_prices(first_price, second_price)"
        for line in (
            call,
            call,
            "total = add_prices(",
            "total = add_prices(first_price, ",
            "for name in names:",
            "import ",
        ):
            editor.type(f"<Esc>Go<C-u>{line}")
            outcome = editor.until(lambda: outcome_at_the_end(editor), "nothing was asked")
            if outcome.startswith("shown"):
                break
        assert outcome.startswith("shown"), f"the built-in model filled none of the holes:\n{editor.log()}"
        ghost = editor.until(editor.ghost_text, "what was answered is not shown")
        filled = "\n".join(editor.lines()) + ghost
        editor.type("<Tab>")
        editor.until(lambda: "\n".join(editor.lines()) == filled, "Tab accepted something else")
