"""The user's catalogue: names in any case, checksums as any tool prints them, and mistakes that are told."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from inference.store.catalogue import read_catalogue
from inference.store.model_store import ModelStore, find_folder
from midspan import SettingsError
from tests.inference.store.catalogues import WEIGHTS, whole, write_catalogue
from tests.inference.store.command import Home

ENTRY = {"name": "Tiny-Model", "repository": "nobody/Tiny", "use": ["completion"], "parameters": 1, "files": []}


def read(tmp_path: Path, entry: Mapping[str, Any]) -> Any:
    file = tmp_path / "catalogue.json"
    file.write_text(json.dumps({"models": [entry]}))
    return read_catalogue(file)


def test_a_name_with_capital_letters_is_found(home: Home, released: Path) -> None:
    write_catalogue(home, released, [{"kind": "folder", "path": str(released)}], whole(released))
    home.catalogue.write_text(home.catalogue.read_text().replace('"tiny"', '"Tiny-Model"'))
    done = home.run("model", "pull", "Tiny-Model")
    assert done.returncode == 0, done.stderr
    assert (home.models / "Tiny-Model" / WEIGHTS).exists()
    described = home.run("model", "info", "Tiny-Model")
    assert described.returncode == 0, described.stderr


def test_a_model_that_is_here_is_found_however_its_name_is_written(store: ModelStore, tmp_path: Path) -> None:
    name = next(iter(read_catalogue(tmp_path / "none.json")))
    store.folder(name).mkdir(parents=True)
    assert find_folder(store, Path(name.upper())) == store.folder(name)


def test_an_entry_for_a_known_name_changes_it_in_any_case(tmp_path: Path) -> None:
    ours = read_catalogue(tmp_path / "none.json")
    name = next(iter(ours))
    folder = {"kind": "folder", "path": "/models"}
    changed = read(tmp_path, {"name": name.upper(), "mirrors": [folder]})
    assert changed.keys() == ours.keys()
    assert [str(mirror) for mirror in changed[name].mirrors] == ["folder /models"]


def test_a_checksum_may_have_capital_letters(tmp_path: Path) -> None:
    sha256 = hashlib.sha256(b"x").hexdigest()
    entry = ENTRY | {"files": [{"name": "a.gguf", "size_bytes": 1, "sha256": sha256.upper()}]}
    assert read(tmp_path, entry)["Tiny-Model"].files[0].sha256 == sha256


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"files": [{"name": "a.gguf", "sha256": "abc"}]}, "a.gguf: 'abc' is no sha256"),
        ({"files": [{"name": "a.gguf", "size_bytes": "1"}]}, "size_bytes is '1'"),
        ({"files": [{"name": 1}]}, "name is 1"),
        ({"use": "completion"}, "use is 'completion'"),
        ({"mirrors": [{"kind": "url", "address": None}]}, "address is None"),
        ({"mirrors": [{"kind": "url", "path": "/a"}]}, "unexpected keyword argument 'path'"),
        ({"mirrors": [{"kind": "ftp", "address": "a"}]}, "ftp"),
        (
            {"mirrors": [{"kind": "packages", "package": "a", "version": "1", "parts": "6", "member": "*"}]},
            "parts is '6'",
        ),
    ],
)
def test_a_mistake_is_told_with_the_file(change: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        read(tmp_path, ENTRY | change)
    assert str(error.value).startswith(f"{tmp_path / 'catalogue.json'}: cannot be understood (")
    assert why in str(error.value)


@pytest.mark.parametrize(("kind", "field"), [("url", "address"), ("hub", "endpoint")])
def test_an_address_that_is_none_is_named(kind: str, field: str, home: Home, released: Path) -> None:
    write_catalogue(home, released, [{"kind": kind, field: "http://127.0.0.1:port"}], whole(released))
    done = home.run("model", "pull", "tiny")
    assert done.returncode == 1
    assert "http://127.0.0.1:port" in done.stderr
    assert "is no address" in done.stderr
    assert "Traceback" not in done.stderr
