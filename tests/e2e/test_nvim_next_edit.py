"""Next edits in Neovim 0.12 and 0.11: shown as a diff, jumped to and accepted by one key."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.neovim import PROGRAM, PROGRAM_0_11, Neovim, needs_neovim, neovim
from tests.e2e.scripted import scripted_project
from tests.e2e.scripted_edits import ACCEPT, DISMISS, SHOP, TILL, Planned, plan_edits, told

pytestmark = needs_neovim

GHOST = {"y = ": "ghost"}

# What the extmarks show: [row, column, text] of virtual text, of struck text and of each virtual line.
_SHOWN = """
local shown = { inline = {}, struck = {}, lines = {}, hint = '', sign = false }
local namespace = vim.api.nvim_create_namespace('midspan.next_edit')
for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })) do
  local _, row, col, details = unpack(mark)
  local function text(chunks)
    return vim.iter(chunks):map(function(chunk) return chunk[1] end):join('')
  end
  if details.virt_text_pos == 'inline' then
    table.insert(shown.inline, { row, col, text(details.virt_text) })
  elseif details.virt_text then
    shown.hint = vim.trim(text(details.virt_text):gsub('◀', ''))
  elseif details.virt_lines then
    for _, line in ipairs(details.virt_lines) do table.insert(shown.lines, text(line)) end
  elseif details.number_hl_group then
    shown.sign = details.sign_text ~= nil
  else
    local struck = vim.api.nvim_buf_get_text(0, row, col, details.end_row, details.end_col, {})[1]
    table.insert(shown.struck, { row, col, struck })
  end
end
for _, window in ipairs(vim.api.nvim_list_wins()) do
  if vim.api.nvim_win_get_config(window).relative ~= '' then
    shown.float = vim.trim(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, 1, false)[1])
  end
end
return shown
"""


@pytest.fixture(scope="module", params=[PROGRAM, PROGRAM_0_11], ids=["0.12", "0.11"])
def running(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Neovim]:
    folder = scripted_project(tmp_path_factory.mktemp("next"), GHOST)
    plan_edits(folder)
    with neovim(folder, folder / "first.py", program=request.param, scripted=True) as editor:
        editor.api.command("set lines=24 columns=100 signcolumn=yes")
        yield editor


@pytest.fixture
def folder(running: Neovim) -> Path:
    return running.log_file.parent


@pytest.fixture
def editor(running: Neovim, folder: Path) -> Neovim:
    plan_edits(folder)
    running.type("<Esc>")
    running.api.command("silent! only!")
    running.api.command("silent! bufdo bwipeout!")
    return running


def open_file(editor: Neovim, name: str, text: str) -> Path:
    path = editor.log_file.with_name(name)
    path.write_text(text)
    editor.api.command(f"edit! {path}")
    editor.until(lambda: editor.api.funcs.maparg("<M-e>", "n"), "the plugin is not attached")
    return path


def shown(editor: Neovim):
    return editor.api.exec_lua(_SHOWN)


def cursor(editor: Neovim) -> list[int]:
    return list(editor.api.current.window.cursor)


def accepted(folder: Path) -> list[str]:
    return [text for name, text in told(folder) if name == ACCEPT]


COUNT = "count = 1\nprint(count)\nreturn_value = count + 1\n"


def test_a_rename_is_followed_by_tab_and_taken_back_one_by_one(editor, folder):
    (folder / "other.py").write_text("from a import count\n")
    open_file(editor, "a.py", COUNT)
    plan_edits(
        folder,
        Planned("a.py", (1, 6, 1, 11), "total"),
        Planned("a.py", (2, 15, 2, 20), "total"),
        Planned("other.py", (0, 14, 0, 19), "total"),
    )
    editor.type("cwtotal<Esc>")
    editor.until(lambda: shown(editor)["inline"] == [[1, 11, "total"]], "the first use is not shown")
    assert shown(editor)["struck"] == [[1, 6, "count"]]
    assert shown(editor)["hint"] == "Tab to jump · planned"
    assert shown(editor)["sign"]
    editor.type("<Tab>")
    editor.until(lambda: cursor(editor) == [2, 6], "Tab did not jump")
    assert shown(editor)["hint"] == "Tab to accept · planned"
    editor.type("<Tab>")
    editor.until(lambda: editor.lines()[1] == "print(total)", "Tab did not accept")
    editor.until(lambda: shown(editor)["inline"] == [[2, 20, "total"]], "the second use is not shown")
    editor.type("<Tab><Tab>")
    editor.until(lambda: editor.lines()[2] == "return_value = total + 1", "the second was not accepted")
    there = "→ other.py:1  count → total   Tab to jump"
    editor.until(lambda: shown(editor).get("float") == there, "the other file is not named")
    editor.type("<Tab>")
    editor.until(lambda: editor.lines() == ["from a import count"], "Tab did not open the other file")
    editor.type("<Tab>")
    editor.until(lambda: editor.lines() == ["from a import total"], "the use in the other file was not accepted")
    assert (folder / "other.py").read_text() == "from a import count\n"
    assert editor.api.current.buffer.options["modified"]
    editor.until(lambda: accepted(folder) == ["total"] * 3, "the server was not told")
    editor.type("u")
    editor.until(lambda: editor.lines() == ["from a import count"], "undo did not take it back")
    editor.api.command(f"edit {folder / 'a.py'}")
    for lines in ("print(total)", "return_value = count + 1"), ("print(count)", "return_value = count + 1"):
        editor.type("u")
        editor.until(lambda lines=lines: tuple(editor.lines()[1:]) == lines, "undo took back more or less than one")
    assert editor.lines()[0] == "total = 1"


def test_the_rules_lead_through_the_uses_in_two_files(tmp_path):
    folder = scripted_project(tmp_path / "project", {})
    (folder / "shop.py").write_text(SHOP)
    (folder / "till.py").write_text(TILL)
    renamed = [text.replace("add_up", "sum_up") for text in (SHOP, TILL)]
    with neovim(folder, folder / "shop.py", scripted=True) as editor:
        editor.until((folder / "indexed").exists, "the workspace is not indexed")
        editor.type("wcwsum_up<Esc>")
        for uses in range(1, 3):
            accept_here(editor)
            assert "\n".join(editor.lines()).count("sum_up") == uses + 1
        assert editor.lines() == renamed[0].splitlines()
        there = editor.until(lambda: shown(editor).get("float"), "the other file is not named")
        assert there.startswith("→ till.py:")
        editor.type("<Tab>")
        editor.until(lambda: editor.api.current.buffer.name.endswith("till.py"), "Tab did not open the other file")
        for _ in range(2):
            accept_here(editor)
        editor.until(lambda: editor.lines() == renamed[1].splitlines(), "the other file is not finished")
        assert (folder / "till.py").read_text() == TILL
        editor.api.command("write")
        assert (folder / "till.py").read_text() == renamed[1]
        editor.type("u")
        editor.until(lambda: "\n".join(editor.lines()).count("sum_up") == 1, "undo took back more or less than one")


def accept_here(editor: Neovim) -> None:
    """Press Tab until the edit that is shown is accepted."""
    hint = editor.until(lambda: shown(editor)["hint"], "no edit is shown")
    if "jump" in hint:
        editor.type("<Tab>")
        editor.until(lambda: shown(editor)["hint"] == "Tab to accept · rename", "Tab did not jump")
    before = editor.lines()
    editor.type("<Tab>")
    editor.until(lambda: editor.lines() != before, "Tab did not accept")


def test_tab_in_insert_mode_goes_on_inserting_and_undo_takes_back_one(editor, folder):
    (folder / "other.py").write_text("from a import count\n")
    open_file(editor, "a.py", COUNT)
    plan_edits(folder, Planned("a.py", (1, 6, 1, 11), "total"), Planned("other.py", (0, 14, 0, 19), "total"))
    editor.type("cwtotal")
    editor.until(lambda: shown(editor)["hint"] == "Tab to jump · planned", "nothing is shown while inserting")
    editor.type("<Tab><Tab>")
    editor.until(lambda: editor.lines()[1] == "print(total)", "Tab did not accept")
    editor.type("!")
    editor.until(lambda: editor.lines()[1] == "print(total!)", "typing did not go on behind the new text")
    editor.until(lambda: "other.py" in shown(editor).get("float", ""), "the other file is not named")
    editor.type("<Tab><Tab>")
    editor.until(lambda: editor.lines() == ["from a import total"], "the other file's use was not accepted")
    editor.type("?<Esc>")
    editor.until(lambda: editor.lines() == ["from a import total?"], "it does not insert in the other file")
    for line in ("from a import total", "from a import count"):
        editor.type("u")
        editor.until(lambda line=line: editor.lines() == [line], "undo took back more or less than one")
    editor.api.command(f"edit {folder / 'a.py'}")
    for line in ("print(total)", "print(count)"):
        editor.type("u")
        editor.until(lambda line=line: editor.lines()[1] == line, "undo took back more or less than one")
    assert editor.lines()[0] == "total = 1"


def test_each_changed_line_shows_its_words_and_the_others_stay(editor, folder):
    text = "def area(w, h):\n    size = w * h\n    return size\n"
    open_file(editor, "b.py", text)
    new = "def area(w, h, unit):\n    size = w * h\n    return size * unit"
    plan_edits(folder, Planned("b.py", (0, 0, 2, 15), new))
    editor.type("<M-e>")
    editor.until(lambda: shown(editor)["inline"] == [[0, 13, ", unit"], [2, 15, " * unit"]], "the words are not shown")
    assert shown(editor)["struck"] == shown(editor)["lines"] == []
    assert shown(editor)["hint"] == "Tab to accept · planned"
    editor.type("<Tab>")
    editor.until(lambda: "\n".join(editor.lines()) == new, "it was not accepted")


def test_lines_that_are_others_stand_below_the_old_ones(editor, folder):
    text = "total = 0\nfor room in rooms:\n    total += room.area\n"
    open_file(editor, "b2.py", text)
    new = "total = sum(room.area for room in rooms)"
    plan_edits(folder, Planned("b2.py", (0, 0, 2, 22), new))
    editor.type("G<M-e>")
    editor.until(lambda: shown(editor)["lines"] == [new], "the new line is not shown")
    assert [text for _, _, text in shown(editor)["struck"]] == ["total = 0", "for room in rooms:", "    ", "+"]
    editor.type("gg<Tab>")
    editor.until(lambda: editor.lines() == [new], "it was not accepted")


def test_lines_are_inserted_and_removed(editor, folder):
    open_file(editor, "c.py", "a = 1\nb = 2\n")
    plan_edits(folder, Planned("c.py", (1, 0, 1, 0), "x = 3\n"), Planned("c.py", (0, 0, 1, 0), ""))
    editor.type("<M-e>")
    editor.until(lambda: shown(editor)["lines"] == ["x = 3"], "the new line is not shown")
    assert shown(editor)["struck"] == []
    editor.type("<Tab>")
    editor.until(lambda: editor.lines() == ["a = 1", "x = 3", "b = 2"], "it was not inserted")
    editor.until(lambda: shown(editor)["struck"] == [[0, 0, "a = 1"]], "the removal is not shown")
    editor.type("gg<Tab>")
    editor.until(lambda: editor.lines() == ["x = 3", "b = 2"], "it was not removed")


def test_a_place_below_the_screen_is_named_in_a_float_and_in_the_status_line(editor, folder):
    open_file(editor, "long.py", "first = 1\n" + "pass\n" * 100 + "use(first)\n")
    plan_edits(folder, Planned("long.py", (101, 4, 101, 9), "begin"))
    editor.type("cwbegin<Esc>")
    editor.until(lambda: shown(editor).get("float") == "↓ line 102  first → begin   Tab to jump", "it is not named")
    assert editor.api.exec_lua("return require('midspan').statusline()") == "midspan ↓ line 102"
    editor.type("<Tab>")
    editor.until(lambda: cursor(editor) == [102, 4], "Tab did not jump")
    assert "float" not in shown(editor)
    editor.type("<C-o>")
    editor.until(lambda: cursor(editor)[0] == 1, "the jump is not in the jump list")
    editor.type("G<Tab>")
    editor.until(lambda: editor.lines()[-1] == "use(begin)", "it was not accepted")


def test_escape_dismisses_it_and_tab_is_itself_again(editor, folder):
    open_file(editor, "d.py", COUNT)
    plan_edits(folder, Planned("d.py", (1, 6, 1, 11), "total"))
    editor.type("cwtotal<Esc>")
    editor.until(lambda: shown(editor)["hint"], "nothing is shown")
    editor.type("<Esc>")
    editor.until(lambda: not shown(editor)["hint"], "Escape did not dismiss it")
    editor.until(lambda: told(folder)[-1] == [DISMISS, "total"], "the server was not told")
    editor.type("A<Tab>!<Esc>")
    editor.until(lambda: editor.lines()[:2] == ["total = 1   !", "print(count)"], "Tab was not a tab")


def test_ghost_text_goes_first_and_the_edit_stays_behind_it(editor, folder):
    open_file(editor, "e.py", COUNT)
    plan_edits(folder, Planned("e.py", (1, 6, 1, 11), "total"))
    editor.type("Oy = ")
    editor.see("ghost")
    editor.until(lambda: any(name == "midspan/nextEdit" for name, _ in told(folder)), "nothing was asked")
    assert not shown(editor)["hint"]
    editor.type("<Tab>")
    editor.until(lambda: editor.lines()[0] == "y = ghost", "Tab did not accept the ghost text")
    editor.until(lambda: shown(editor)["hint"], "the edit is not shown behind it")


def test_an_edit_of_an_older_text_is_never_shown(editor, folder):
    open_file(editor, "f.py", COUNT)
    other = Planned("f.py", (2, 15, 2, 20), "total")
    plan_edits(folder, Planned("f.py", (1, 6, 1, 11), "total", age=1), other)
    editor.type("cwtotal<Esc>")
    editor.until(lambda: shown(editor)["inline"] == [[2, 20, "total"]], "the other edit is not shown")
    plan_edits(folder)
    editor.type("x")
    assert not shown(editor)["hint"]


def test_an_emoji_before_the_edit_moves_nothing(editor, folder):
    open_file(editor, "g.py", "s = '😀', count\n")
    plan_edits(folder, Planned("g.py", (0, 12, 0, 17), "total"))
    editor.type("<M-e>")
    editor.until(lambda: shown(editor)["inline"] == [[0, 17, "total"]], "it is shown elsewhere")
    editor.type("<Tab>")
    editor.until(lambda: editor.lines() == ["s = '😀', total"], "it went elsewhere")


def test_an_open_file_whose_name_begins_with_that_of_the_edit_is_another_one(editor, folder):
    (folder / "part.py").write_text("use(count)\n")
    open_file(editor, "part.pyi", "def use(name): ...\n")
    open_file(editor, "a.py", COUNT)
    plan_edits(folder, Planned("part.py", (0, 4, 0, 9), "total"))
    editor.type("ggcwtotal<Esc>")
    editor.until(lambda: "part.py:1 " in shown(editor).get("float", ""), "the edit is not shown")
    editor.type("<Tab>")
    editor.until(lambda: editor.api.current.buffer.name.endswith("/part.py"), "Tab went elsewhere")
    editor.type("<Tab>")
    editor.until(lambda: editor.lines() == ["use(total)"], "it was not accepted")


def test_nothing_is_asked_while_midspan_is_off(editor, folder):
    open_file(editor, "h.py", COUNT)
    plan_edits(folder, Planned("h.py", (1, 6, 1, 11), "total"))
    editor.type("cwtotal<Esc>")
    editor.until(lambda: shown(editor)["hint"], "nothing is shown")
    editor.api.command("Midspan toggle")
    editor.until(lambda: not shown(editor)["hint"], "it is still shown")
    plan_edits(folder)
    editor.type("<M-e>")
    editor.api.command("Midspan toggle")
    assert editor.status()  # the server has read what came before
    assert not any(name == "midspan/nextEdit" for name, _ in told(folder))
