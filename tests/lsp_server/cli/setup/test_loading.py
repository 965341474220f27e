"""The place of Midspan's lines in an init file, by what an editor says when it loads the file."""

from pathlib import Path

import pytest

from lsp_server.cli.setup.changed_file import FileChange, plan_change
from lsp_server.cli.setup.loading import choose_place
from lsp_server.cli.setup.text_block import TextBlock
from midspan import SettingsError

BLOCK = TextBlock("#", ("midspan",))


def load(text: str) -> tuple[bool, str]:
    """Play an editor: a line `return` ends the file, `fail` fails there, and a line `first` has to be the first."""
    lines = text.splitlines()
    if "first" in lines and lines[0] != "first":
        return False, "first is not first"
    is_loaded = False
    for number, line in enumerate(lines, 1):
        if line == "fail":
            return is_loaded, f"line {number} fails"
        if line == "return":
            break
        is_loaded = is_loaded or line == "midspan"
    return is_loaded, ""


def planned(home: Path, text: str) -> FileChange:
    file = home / "init"
    file.write_text(text)
    change = plan_change(file, BLOCK)
    assert change is not None
    return change


@pytest.mark.parametrize("text", ["", "mine\n", "first\nmine\n"])
def test_the_lines_stand_at_the_end(home, text):
    change = choose_place(planned(home, text), BLOCK, load)
    assert change is not None
    assert change.after == BLOCK.put_into(text)


@pytest.mark.parametrize("text", ["mine\nreturn\n", "mine\nfail\n"])
def test_in_a_file_that_ends_early_the_lines_stand_on_top(home, text):
    change = choose_place(planned(home, text), BLOCK, load)
    assert change is not None
    assert change.after == BLOCK.put_into(text, on_top=True)


def test_a_file_that_loads_midspan_by_hand_stays(home):
    assert choose_place(planned(home, "midspan\n"), BLOCK, load) is None


def test_where_no_place_works_the_user_is_told_the_lines(home):
    with pytest.raises(SettingsError, match=r"(?s)~/init does not load with Midspan's lines .*The lines are:\nmidspan"):
        choose_place(planned(home, "first\nreturn\n"), BLOCK, load)
