"""Next edits in the real VS Code: shown as a diff, jumped to and accepted by Tab."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e import serve_scripted
from tests.e2e.scripted import write_answers
from tests.e2e.scripted_edits import ACCEPT, DISMISS, SHOP, TILL, Planned, plan_edits, told
from tests.e2e.vscode import VSCode, vscode
from tests.lsp_server.daemons import Place

COUNT = "count = 1\nprint(count)\nreturn_value = count + 1\n"


@pytest.fixture(scope="module")
def running(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VSCode]:
    folder = tmp_path_factory.mktemp("next")
    shop = folder / "shop"
    shop.mkdir()
    write_answers(shop, {"y = ": "ghost"})
    plan_edits(shop)
    program = folder / "midspan"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -P {serve_scripted.__file__} {shop}\n")
    program.chmod(0o755)
    with vscode(browser, folder, program, shop / "midspan.log", {}, model="fake") as editor:
        yield editor


@pytest.fixture
def scripted_editor(running: VSCode) -> VSCode:
    plan_edits(running.workspace)
    return running


def attached(editor: VSCode) -> str:
    """Return the text of all decorations, which is in the styles of pseudo-elements."""
    found: str = editor.page.evaluate(
        """() => [...document.querySelectorAll('.view-lines span[class*=ced-]')].map((span) =>
             ['::before', '::after'].map((each) => getComputedStyle(span, each).content)
               .filter((content) => content.startsWith('"')).map((content) => content.slice(1, -1)).join('')
           ).join('|')"""
    )
    return found.replace("\xa0", " ")


def see_attached(editor: VSCode, text: str) -> None:
    editor.until(lambda: text in attached(editor), f"{text!r} is not shown")


def lines(editor: VSCode) -> list[str]:
    shown = editor.page.locator(".editor-instance .view-lines .view-line")
    return [text.replace("\xa0", " ") for text in shown.all_inner_texts()]


def accepted(folder: Path) -> list[str]:
    return [text for name, text in told(folder) if name == ACCEPT]


def open_again(editor: VSCode, name: str) -> None:
    editor.page.locator(f'.tab[data-resource-name="{name}"]').click()
    editor.page.locator(".editor-instance .view-lines").first.click()


def pictured(editor: VSCode) -> list[str]:
    """Return the lines of the picture of new lines; none when there is none."""
    lines: list[str] = editor.page.evaluate(
        """() => [...document.querySelectorAll('.view-lines span[class*=ced-]')].flatMap((span) => {
             const found = getComputedStyle(span, '::after').content.match(/base64,([^"]*)/);
             if (!found) return [];
             const bytes = Uint8Array.from(atob(found[1]), (each) => each.charCodeAt(0));
             const svg = new DOMParser().parseFromString(new TextDecoder().decode(bytes), 'image/svg+xml');
             svg.querySelector('style').remove();
             return svg.querySelector('div').textContent.split('\\n');
           })"""
    )
    return lines


def test_a_rename_is_followed_by_tab_and_taken_back_one_by_one(scripted_editor: VSCode):
    editor = scripted_editor
    folder = editor.workspace
    (folder / "other.py").write_text("from a import count\n")
    file = editor.open("a.py", COUNT)
    plan_edits(
        folder,
        Planned("a.py", (1, 6, 1, 11), "total"),
        Planned("a.py", (2, 15, 2, 20), "total"),
        Planned("other.py", (0, 14, 0, 19), "total"),
    )
    editor.press("Control+Home", "Control+Shift+ArrowRight")
    editor.put("total")
    see_attached(editor, "Tab to jump · planned")
    editor.press("Tab")
    see_attached(editor, "Tab to accept")
    editor.press("Tab")
    editor.until(lambda: lines(editor)[1] == "print(total)", "Tab did not accept")
    see_attached(editor, "Tab to jump")
    editor.press("Tab")
    see_attached(editor, "Tab to accept")
    editor.press("Tab")
    see_attached(editor, "→ other.py:1   count → total   Tab to jump")
    editor.press("Tab")
    editor.until(lambda: editor.title() == "other.py", "Tab did not open the other file")
    see_attached(editor, "Tab to accept")
    editor.press("Tab")
    editor.until(lambda: lines(editor)[0] == "from a import total", "the use in the other file was not accepted")
    assert (folder / "other.py").read_text() == "from a import count\n"
    editor.until(lambda: accepted(folder) == ["total"] * 3, "the server was not told")
    editor.press("Control+z")
    editor.until(lambda: lines(editor)[0] == "from a import count", "undo did not take it back")
    open_again(editor, "a.py")
    for uses in ("print(total)", "return_value = count + 1"), ("print(count)", "return_value = count + 1"):
        editor.press("Control+z")
        see_uses(editor, uses)
    assert editor.saved(file).startswith("total = 1\n")


def see_uses(editor: VSCode, uses: tuple[str, str]) -> None:
    editor.until(lambda: tuple(lines(editor)[1:3]) == uses, "undo took back more or less than one")


def test_other_lines_stand_beside_the_old_ones_in_a_picture(scripted_editor: VSCode):
    editor = scripted_editor
    text = "total = 0\nfor room in rooms:\n    total += room.area\nprint(total)\n"
    file = editor.open("lines.py", text)
    new = "areas = [room.area for room in rooms]\ntotal = sum(areas)"
    plan_edits(editor.workspace, Planned("lines.py", (0, 0, 2, 22), new))
    editor.press("Control+Alt+n")
    editor.until(lambda: pictured(editor), "there is no picture of the new lines")
    assert [text.strip() for text in new.split("\n")] == pictured(editor)[:2]
    assert pictured(editor)[2] == "Tab to jump · planned"
    editor.press("Tab")
    editor.until(lambda: "Tab to accept · planned" in pictured(editor), "Tab did not jump")
    editor.press("Tab")
    editor.until(lambda: lines(editor)[0].startswith("areas"), "it was not accepted")
    assert editor.saved(file) == new + "\nprint(total)\n"


def open_with_insertion(editor: VSCode, name: str, text: str) -> Path:
    """Open a file, and see the insertion of a parameter behind the cursor."""
    file = editor.open(name, text)
    plan_edits(editor.workspace, Planned(name, (0, 13, 0, 13), ", unit"))
    editor.press("Control+Home", "Control+Alt+n")
    editor.see(", unit")
    return file


def test_an_insertion_behind_the_cursor_is_ghost_text(scripted_editor: VSCode):
    editor = scripted_editor
    file = open_with_insertion(editor, "behind.py", "def area(w, h):\n")
    assert "Tab" not in attached(editor)
    editor.press("Tab")
    editor.until(lambda: lines(editor)[0] == "def area(w, h, unit):", "Tab did not accept it")
    editor.until(lambda: accepted(editor.workspace) == [", unit"], "the server was not told")
    assert editor.saved(file) == "def area(w, h, unit):\n"


def test_ghost_text_of_an_edit_is_shown_again_where_the_cursor_comes_back(scripted_editor: VSCode):
    editor = scripted_editor
    file = open_with_insertion(editor, "back.py", "def area(w, h):\npass\n")
    editor.press("ArrowDown")
    see_attached(editor, "Tab to jump")
    editor.press("ArrowUp")
    editor.see(", unit")
    editor.press("Tab")
    editor.until(lambda: lines(editor)[0] == "def area(w, h, unit):", "Tab did not accept it")
    assert editor.saved(file) == "def area(w, h, unit):\npass\n"


def test_a_place_below_the_screen_is_named_at_the_cursor(scripted_editor: VSCode):
    editor = scripted_editor
    file = editor.open("long.py", "first = 1\n" + "pass\n" * 100 + "use(first)\n")
    plan_edits(editor.workspace, Planned("long.py", (101, 4, 101, 9), "begin"))
    editor.press("Control+Home", "Control+Shift+ArrowRight")
    editor.put("begin")
    see_attached(editor, "↓ line 102   first → begin   Tab to jump")
    editor.press("Tab")
    see_attached(editor, "Tab to accept")
    editor.press("Tab")
    editor.until(lambda: lines(editor)[-2] == "use(begin)", "it was not accepted")
    assert editor.saved(file).endswith("use(begin)\n")


def test_escape_dismisses_it_and_tab_is_itself_again(scripted_editor: VSCode):
    editor = scripted_editor
    file = editor.open("escape_edit.py", COUNT)
    plan_edits(editor.workspace, Planned("escape_edit.py", (1, 6, 1, 11), "total"))
    editor.press("Control+Home", "Control+Shift+ArrowRight")
    editor.put("total")
    see_attached(editor, "Tab to jump")
    editor.press("Escape")
    editor.until(lambda: "Tab" not in attached(editor), "Escape did not dismiss it")
    editor.until(lambda: [DISMISS, "total"] in told(editor.workspace), "the server was not told")
    editor.press("End", "Tab")
    assert editor.saved(file) == "total = 1   \nprint(count)\nreturn_value = count + 1\n"


def test_ghost_text_goes_first_and_the_edit_waits_behind_it(scripted_editor: VSCode):
    editor = scripted_editor
    file = editor.open("first.py", COUNT)
    plan_edits(editor.workspace, Planned("first.py", (1, 6, 1, 11), "total"))
    editor.type("y = ")
    editor.see("ghost")
    editor.until(lambda: any(name == "midspan/nextEdit" for name, _ in told(editor.workspace)), "nothing was asked")
    assert "Tab" not in attached(editor)
    editor.press("Tab")
    editor.until(lambda: lines(editor)[3] == "y = ghost", "Tab did not accept the ghost text")
    see_attached(editor, "Tab to jump")
    assert editor.saved(file) == COUNT + "y = ghost"


def test_an_edit_of_an_older_text_is_never_shown(scripted_editor: VSCode):
    editor = scripted_editor
    file = editor.open("older.py", COUNT)
    other = Planned("older.py", (2, 15, 2, 20), "total")
    plan_edits(editor.workspace, Planned("older.py", (1, 6, 1, 11), "sum", age=1), other)
    editor.press("Control+Home", "Control+Shift+ArrowRight")
    editor.put("total")
    see_attached(editor, "total")
    assert "sum" not in attached(editor)
    editor.press("Escape")
    assert editor.saved(file) == COUNT.replace("count", "total", 1)


def test_the_rules_lead_through_the_uses_in_two_files(editor: VSCode, daemon_place: Place):
    editor.until(lambda: is_settled(daemon_place), "the files of other tests are not indexed")
    before = definitions(daemon_place)
    till = editor.workspace / "till.py"
    till.write_text(TILL.replace("from shop", "from market"))
    shop = editor.open("market.py", SHOP)  # which no other test has had
    editor.until(lambda: definitions(daemon_place) >= before + 3, "the workspace is not indexed")
    editor.press("Control+Home", "Control+ArrowRight", "ArrowRight", "Control+Shift+ArrowRight")
    editor.put("sum_up")
    see_attached(editor, "sum_up")
    for uses in (2, 3):
        accept_here(editor)
        see_renamed(editor, uses)
    assert editor.saved(shop) == SHOP.replace("add_up", "sum_up")
    see_attached(editor, "→ till.py:")
    editor.press("Tab")
    editor.until(lambda: editor.title() == "till.py", "Tab did not open the other file")
    for uses in (1, 2):
        accept_here(editor)
        see_renamed(editor, uses)
    assert till.read_text() == TILL.replace("from shop", "from market")
    editor.press("Control+z")
    see_renamed(editor, 1)
    editor.press("Control+y")
    assert editor.saved(till) == TILL.replace("add_up", "sum_up").replace("from shop", "from market")


def see_renamed(editor: VSCode, uses: int) -> None:
    editor.until(lambda: "".join(lines(editor)).count("sum_up") == uses, f"not {uses} uses are renamed")


def is_settled(place: Place) -> bool:
    indexes = place.daemon_status().get("indexes", [])
    return bool(indexes) and all(index["is_settled"] for index in indexes)


def definitions(place: Place) -> int:
    return sum(index["definitions"] for index in place.daemon_status().get("indexes", []))


def accept_here(editor: VSCode) -> None:
    """Press Tab until the edit that is shown is accepted."""
    shown = editor.until(lambda: text if "Tab to " in (text := attached(editor)) else None, "no edit is shown")
    if "Tab to jump" in shown:
        editor.press("Tab")
    see_attached(editor, "Tab to accept · rename")
    editor.press("Tab")
