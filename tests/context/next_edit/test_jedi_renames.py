"""A rename that is accepted place by place gives what jedi's rename gives, for 200 random names of flask and django.

`write_jedi_renames.py` wrote what is expected.
"""

import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from context.index.index import Index
from context.next_edit.names.resolve_names import find_word
from tests.context.next_edit.typing_user import TypingUser
from tests.context.next_edit.write_jedi_renames import DATA
from tests.context.tree import indexed, write_tree

_STEP_BY_STEP = 10  # of so many names, one is accepted place by place; of the others, all that is proposed at a time
# A method that another file calls too, on an object (`self.form`) of whose type jedi knows nothing.
_CALLED_TOO = {"add_initial_prefix": "django/forms/boundfield.py"}


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(lzma.decompress(DATA.read_bytes()))
    return loaded


@pytest.fixture(scope="module")
def index(data: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder: Path = tmp_path_factory.mktemp("renames")
    return indexed(write_tree(folder / "root", data["files"]), folder / "cache")[0]


def test_a_chain_of_accepted_renames_gives_what_jedi_gives(data: dict[str, Any], index: Index) -> None:
    files = data["files"]
    different = []
    for number, rename in enumerate(data["renames"]):
        old, new = rename["name"], f"other_{rename['name']}_one"
        user = TypingUser({rename["path"]: files[rename["path"]]}, index)
        user.become(rename["path"], rename["start"], rename["start"] + len(old), new)
        user.accept_all(in_bulk=number % _STEP_BY_STEP > 0)
        expected = {path: replaced(files[path], old, new, places) for path, places in rename["places"].items()}
        if old in _CALLED_TOO:
            path = _CALLED_TOO[old]
            expected[path] = replaced(files[path], old, new, list(find_word(files[path], old)))
        if {path: document.text for path, document in user.buffers.items()} != expected:
            different.append((rename["path"], old))
    assert len(data["renames"]) == 200
    assert different == []


def replaced(text: str, old: str, new: str, places: list[int]) -> str:
    for place in sorted(places, reverse=True):
        text = text[:place] + new + text[place + len(old) :]
    return text
