"""A renamed field of a class is followed where jedi says that it is the same, and never where it is another thing.

The fields are 50 random ones of flask and django; `write_jedi_fields.py` wrote what jedi says of their places.
"""

import json
import lzma
from pathlib import Path
from typing import Any

from context.index.index import Index
from context.next_edit.names.resolve_names import find_word
from tests.context.next_edit.typing_user import TypingUser
from tests.context.next_edit.write_jedi_fields import FIELDS
from tests.context.next_edit.write_jedi_renames import DATA
from tests.context.tree import indexed, write_tree

_NEW = "another_name_of_it"


def test_a_field_is_followed_to_what_jedi_calls_the_same_and_to_nothing_else(tmp_path: Path) -> None:
    files: dict[str, str] = json.loads(lzma.decompress(DATA.read_bytes()))["files"]
    fields: list[dict[str, Any]] = json.loads(FIELDS.read_text())
    index, _ = indexed(write_tree(tmp_path / "root", files), tmp_path / "cache")
    found = same = 0
    wrong: list[tuple[str, str, str, str]] = []
    for field in fields:
        places = renamed_places(field, files, index)
        same += len(field["same"])
        found += sum((path, start) in places for path, start in field["same"])
        wrong += [
            (field["path"], field["name"], path, line_at(files[path], start))
            for path, start in field["other"]
            if (path, start) in places
        ]
    assert len(fields) == 50
    assert wrong == []
    assert (found, same) == (140, 145)


def renamed_places(field: dict[str, Any], files: dict[str, str], index: Index) -> set[tuple[str, int]]:
    """Rename a field where it is defined, take all that is proposed, and return the places in the old texts."""
    path, start, old = field["path"], field["start"], field["name"]
    user = TypingUser({path: files[path]}, index)
    user.become(path, start, start + len(old), _NEW)
    user.accept_all(in_bulk=True)
    return {
        (changed, place - number * (len(_NEW) - len(old)))
        for changed, document in user.buffers.items()
        for number, place in enumerate(find_word(document.text, _NEW))
    }


def line_at(text: str, start: int) -> str:
    return text[text.rfind("\n", 0, start) + 1 : text.find("\n", start)].strip()
