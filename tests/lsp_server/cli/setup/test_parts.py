"""The parts of files: put in, they leave all else as it is, and taken out, they leave nothing."""

import json
import tomllib

import pytest

from lsp_server.cli.setup.json_member import JsonMember, read_json
from lsp_server.cli.setup.text_block import TextBlock
from lsp_server.cli.setup.toml_key import TomlKey
from midspan import SettingsError

BLOCK = TextBlock("--", ("first", "second"))
MARKED = (
    "-- >>> midspan setup; `midspan setup --undo` removes these lines >>>\nfirst\nsecond\n-- <<< midspan setup <<<\n"
)
NAME = "midspan.path"
SETTINGS = """{
  // "midspan.path": "in a comment",
  "editor.rulers": [80, 120,], /* both */
  "[python]": { "midspan.path": "in a section" }, // ends with a comma
  "http://x": "//", // no comment
  // the last words
}
"""


@pytest.mark.parametrize("text", ["", "mine\n", "mine\n\n"])
def test_a_block_stands_at_the_end_and_leaves_nothing(text):
    assert BLOCK.put_into(text) == f"{text}\n{MARKED}".removeprefix("\n")
    assert BLOCK.take_out(BLOCK.put_into(text)) == text
    assert BLOCK.take_out(BLOCK.put_into(text, on_top=True)) == text
    assert BLOCK.put_into(BLOCK.put_into(text)) == BLOCK.put_into(text)


def test_a_newer_block_takes_the_place_of_the_older():
    newer = TextBlock("--", ("third",))
    text = newer.put_into(f"{BLOCK.put_into('mine')}more\n")
    assert text == f"mine\n\n{MARKED}more\n".replace("first\nsecond", "third")
    assert BLOCK.take_out(text) == "mine\nmore\n"


def test_a_block_has_the_line_ends_of_its_file():
    assert BLOCK.put_into("mine\r\n") == f"mine\n\n{MARKED}".replace("\n", "\r\n")
    assert BLOCK.take_out(BLOCK.put_into("mine\r\n")) == "mine\r\n"


def test_a_member_stands_behind_the_others_and_comments_stay():
    member = JsonMember(NAME, "/bin/midspan")
    text = member.put_into(SETTINGS)
    added = '  "midspan.path": "/bin/midspan",\n'
    assert text == SETTINGS.replace("  // the last", f"{added}  // the last")
    assert read_json(text) == read_json(SETTINGS) | {NAME: "/bin/midspan"}
    assert member.put_into(text) == text
    assert member.take_out(text) == SETTINGS


# Of the others, only the layout of an empty object or of the last comma changes.
RESTORED = ('{"a": 1}', "{ // mine\n}\n", '{\r\n\t"a": {}\r\n}\r\n', '{\n"a": 1 // mine\n}')


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "{ // mine\n}\n",
        '{"a": 1}',
        '{"a": 1,}',
        '{\r\n\t"a": {}\r\n}\r\n',
        '{\n"a": 1 // mine\n}',
        "\ufeff{}",
    ],
)
def test_every_form_of_an_object_takes_a_member_and_gives_it_back(text):
    member = JsonMember(NAME, 'C:\\midspan "1"')
    put = member.put_into(text)
    assert read_json(put) == read_json(text) | {NAME: 'C:\\midspan "1"'}
    assert read_json(member.take_out(put)) == read_json(text)
    if text in RESTORED:
        assert member.take_out(put) == text
    assert ("// mine" in put, "\r\n" in put) == ("// mine" in text, "\r\n" in text)


def test_an_earlier_value_comes_back_unless_the_user_has_written_another():
    text = '{"midspan.path": "mine", "b": 1}'
    member = JsonMember(NAME, "ours", "mine")
    assert member.put_into(text) == '{"midspan.path": "ours", "b": 1}'
    assert member.take_out(member.put_into(text)) == text
    nested = '{"midspan.path": "mine", "[python]": {"midspan.path": "mine"}}'
    assert member.put_into(nested) == '{"midspan.path": "ours", "[python]": {"midspan.path": "mine"}}'
    theirs = '{"midspan.path": "theirs"}'
    assert member.take_out(theirs) == theirs


@pytest.mark.parametrize("text", ["[]", "{", '{"a": }', "{'a': 1}", '{"midspan.path": {"a": 1}}'])
def test_what_is_no_object_of_settings_is_refused(text):
    with pytest.raises(SettingsError):
        JsonMember(NAME, "x").put_into(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", '[completion]\nmodel = "q"\n'),
        ('# mine\n[chat]\nmodel = "c"', '# mine\n[chat]\nmodel = "c"\n\n[completion]\nmodel = "q"\n'),
        ("[ completion ] # mine\nenabled = true\n", '[ completion ] # mine\nmodel = "q"\nenabled = true\n'),
        ('[completion]\nmodel = "o" # mine\n', '[completion]\nmodel = "q" # mine\n'),
        ("completion.enabled = true\n", 'completion.model = "q"\ncompletion.enabled = true\n'),
    ],
)
def test_a_key_stands_in_its_section(text, wanted):
    earlier = tomllib.loads(text).get("completion", {}).get("model")
    key = TomlKey("completion", "model", "q", earlier)
    assert key.put_into(text) == wanted
    assert key.put_into(wanted) == wanted
    taken = tomllib.loads(key.take_out(wanted))
    assert taken.get("completion", {}) == tomllib.loads(text).get("completion", {})
    assert key.take_out(wanted.replace('"q"', '"theirs"')) == wanted.replace('"q"', '"theirs"')


@pytest.mark.parametrize("text", ["completion = { enabled = true }\n", "completion = 1\n", "["])
def test_a_file_of_another_form_is_refused(text):
    with pytest.raises(SettingsError):
        TomlKey("completion", "model", "q").put_into(text)


def test_the_json_that_is_read_is_json():
    assert read_json(json.dumps({"a": [1, {"b": ",]"}]})) == {"a": [1, {"b": ",]"}]}
