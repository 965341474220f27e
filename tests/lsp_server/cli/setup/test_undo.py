"""Files that setup has changed, and their way back."""

import os
from pathlib import Path

import pytest

from lsp_server.cli.setup.changed_file import plan_change
from lsp_server.cli.setup.dialog import Dialog
from lsp_server.cli.setup.json_member import JsonMember
from lsp_server.cli.setup.record import SetupRecord
from lsp_server.cli.setup.text_block import TextBlock
from lsp_server.cli.setup.undo import undo
from midspan import SettingsError

BLOCK = TextBlock("--", ("ours",))


def change(record: SetupRecord, path: Path, part: TextBlock | JsonMember = BLOCK) -> None:
    planned = plan_change(path, part)
    assert planned is not None
    record.apply(planned)
    assert plan_change(path, part) is None  # a second setup finds nothing to do


def take_back(record: SetupRecord) -> bool:
    return undo(Dialog(asks=False), record, is_dry=False)


def test_each_file_gets_its_bytes_its_mode_and_its_links_back(home, tree, record):
    (home / "dots").mkdir()
    (home / "dots/init.lua").write_bytes(b"mine\r\nno end")
    (home / "dots/init.lua").chmod(0o640)
    (home / ".config").mkdir()
    (home / ".config/init.lua").symlink_to("../dots/init.lua")
    before = tree()
    for path in (home / ".config/init.lua", home / ".config/new/folder/init.lua"):
        change(record, path)
    assert os.readlink(home / ".config/init.lua") == "../dots/init.lua"
    assert (home / "dots/init.lua").read_bytes().startswith(b"mine\r\nno end\r\n\r\n-- >>>")
    assert take_back(record)
    assert tree() == before
    assert list(record.folder.iterdir()) == []


def test_a_dry_undo_changes_nothing(home, tree, record):
    change(record, home / "init.lua")
    before = tree()
    assert undo(Dialog(asks=False), record, is_dry=True)
    assert tree() == before
    assert take_back(record)
    assert tree() == {}


def test_a_file_that_was_edited_since_loses_our_part_alone(home, record, capsys):
    file = home / "init.lua"
    file.write_text("mine\n")
    change(record, file)
    file.write_text(f"first\n{file.read_text()}last\n")
    assert take_back(record)
    assert file.read_text() == "first\nmine\nlast\n"
    said = capsys.readouterr().out
    assert "You have edited ~/init.lua since" in said
    (backup,) = record.folder.iterdir()
    assert backup.name in said
    assert backup.read_text() == "mine\n"


def test_a_second_setup_keeps_what_was_before_the_first(home, record):
    file = home / "init.lua"
    file.write_text("mine")
    change(record, file)
    change(record, file, TextBlock("--", ("newer",)))
    assert take_back(record)
    assert file.read_text() == "mine"


def test_an_edit_between_two_setups_stays(home, record):
    file = home / "settings.json"
    file.write_text('{"midspan.path": "first"}')
    change(record, file, JsonMember("midspan.path", "second", "first"))
    file.write_text('{"midspan.path": "second", "a": 1}')
    change(record, file, JsonMember("midspan.path", "third", "second"))
    assert take_back(record)
    assert file.read_text() == '{"midspan.path": "first", "a": 1}'


def test_the_value_from_before_the_first_setup_comes_back_after_an_edit(home, record):
    file = home / "settings.json"
    file.write_text('{"midspan.path": "first"}')
    change(record, file, JsonMember("midspan.path", "second", "first"))
    change(record, file, JsonMember("midspan.path", "third", "second"))
    file.write_text('{"midspan.path": "third", "a": 1}')
    assert take_back(record)
    assert file.read_text() == '{"midspan.path": "first", "a": 1}'


def test_a_file_that_is_gone_is_not_made_again(home, record, capsys):
    file = home / "init.lua"
    file.write_text("mine\n")
    change(record, file)
    file.unlink()
    assert take_back(record)
    assert not file.exists()
    assert "is gone" in capsys.readouterr().out


def test_a_read_only_file_is_named_and_the_record_knows_nothing_of_it(home, record):
    file = home / "init.lua"
    file.write_text("mine\n")
    file.chmod(0o444)
    planned = plan_change(file, BLOCK)
    assert planned is not None
    with pytest.raises(SettingsError, match=r"~/init\.lua is read-only"):
        record.apply(planned)
    assert file.read_text() == "mine\n"
    assert record.read().files == ()


def test_a_file_that_was_changed_meanwhile_is_left_alone(home, record):
    file = home / "init.lua"
    file.write_text("mine\n")
    planned = plan_change(file, BLOCK)
    assert planned is not None
    file.write_text("newer\n")
    with pytest.raises(SettingsError, match="changed meanwhile"):
        record.apply(planned)
    assert file.read_text() == "newer\n"


def test_a_file_that_is_no_text_is_refused(home, record):
    file = home / "init.lua"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not UTF-8"):
        plan_change(file, BLOCK)


def test_only_the_user_reads_the_backups(home, record):
    file = home / "settings.json"
    file.write_text("{}")
    change(record, file, JsonMember("midspan.path", "x"))
    assert record.folder.stat().st_mode & 0o077 == 0
    assert [path.name for path in record.folder.iterdir() if path.stat().st_mode & 0o077] == []


def test_there_is_nothing_to_undo_before_setup(record, capsys):
    assert take_back(record)
    assert "nothing to undo" in capsys.readouterr().out
