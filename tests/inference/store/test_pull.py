"""Whatever a pull asks for, the store has the whole model or nothing, and only bytes with the known hash."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from safetensors.torch import load

from inference.store.catalogue import read_catalogue
from tests.inference.store.catalogues import REPOSITORY, WEIGHTS
from tests.inference.store.command import Home
from tests.inference.store.hub_server import COMMIT, Hub


def test_a_pulled_model_has_the_bytes_of_the_hub(home: Home, released: Path) -> None:
    done = home.run("model", "pull", f"{REPOSITORY}@v1")
    assert done.returncode == 0, done.stderr
    pulled = home.models / "Tiny-Base"
    assert (pulled / WEIGHTS).read_bytes() == (released / WEIGHTS).read_bytes()
    assert COMMIT[:12] in json.loads((pulled / "midspan.json").read_text())["source"]
    assert home.left_over() == []
    listing = json.loads(home.run("model", "list", "--json").stdout)
    assert [model["name"] for model in listing["here"]] == ["Tiny-Base"]
    assert home.run("model", "verify", "Tiny-Base").returncode == 0


def test_shards_are_those_that_the_index_names(home: Home, hub: Hub) -> None:
    files = hub.repositories[REPOSITORY]
    files["model-1.safetensors"] = files.pop(WEIGHTS)
    files["consolidated.safetensors"] = b"the same weights once more"
    names = load(files["model-1.safetensors"])
    index = {"weight_map": dict.fromkeys(names, "model-1.safetensors")}
    files["model.safetensors.index.json"] = json.dumps(index).encode()
    done = home.run("model", "pull", REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert (home.models / "Tiny-Base" / "model-1.safetensors").exists()
    assert "consolidated.safetensors" not in hub.sent_bytes


@pytest.mark.parametrize("name", [WEIGHTS, "tokenizer.json"])
def test_bytes_that_do_not_match_the_checksum_are_refused(home: Home, hub: Hub, name: str) -> None:
    data = bytearray(hub.repositories[REPOSITORY][name])
    data[len(data) // 2] ^= 1
    hub.served_instead[name] = bytes(data)
    done = home.run("model", "pull", REPOSITORY)
    assert done.returncode == 1
    assert f"{name}: the bytes from {REPOSITORY}@{COMMIT[:12]} do not match its checksum" in done.stderr
    assert not home.models.exists()
    assert home.left_over() == []


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("someone/Else", "has no such model"),
        (f"{REPOSITORY}@v9", "has no revision 'v9'"),
        ("nonsense", "is not in the catalogue"),
        ("a/b/c", "is no name of a repository"),
    ],
)
def test_what_is_not_there_is_refused_by_name(home: Home, wanted: str, message: str) -> None:
    done = home.run("model", "pull", wanted)
    assert done.returncode == 1
    assert message in done.stderr
    assert home.left_over() == []


def test_an_unknown_architecture_is_refused_before_its_weights_are_fetched(home: Home, hub: Hub) -> None:
    hub.repositories[REPOSITORY]["config.json"] = b'{"model_type": "mamba"}'
    done = home.run("model", "pull", REPOSITORY)
    assert done.returncode == 1
    assert "'mamba'" in done.stderr
    assert WEIGHTS not in hub.sent_bytes
    assert home.left_over() == []


def test_licences_in_a_folder_are_fetched_with_the_model(home: Home, hub: Hub) -> None:
    hub.repositories[REPOSITORY] |= {"LICENSES/MIT.txt": b"free", "LICENSE": b"see LICENSES", "docs/a/b.md": b"more"}
    done = home.run("model", "pull", REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert (home.models / "Tiny-Base" / "LICENSES" / "MIT.txt").read_bytes() == b"free"
    assert home.run("model", "verify", "Tiny-Base").returncode == 0
    assert "docs/a/b.md" not in hub.sent_bytes
    assert home.left_over() == []


@pytest.mark.parametrize("name", ["LICENSE\x1b]0;owned\x07", "LICENSES/..", "LICENSE\\..\\evil", "LICENSE:stream"])
def test_a_name_that_is_no_path_is_refused_before_anything_is_written(home: Home, hub: Hub, name: str) -> None:
    hub.repositories[REPOSITORY][name] = b"evil"
    done = home.run("model", "pull", REPOSITORY)
    assert done.returncode == 1
    assert "which is no path inside a model's folder" in done.stderr
    assert "\x1b" not in done.stderr
    assert hub.sent_bytes == {}
    assert home.left_over() == []


def test_the_catalogues_revision_is_asked_for_unless_the_user_names_another(
    home: Home, hub: Hub, released: Path
) -> None:
    entry = {"name": "tiny", "repository": REPOSITORY, "use": ["completion"], "parameters": 1}
    files = [{"name": WEIGHTS, "sha256": hashlib.sha256((released / WEIGHTS).read_bytes()).hexdigest()}]
    home.catalogue.write_text(json.dumps({"models": [entry | {"revision": COMMIT, "files": files}]}))
    assert home.run("model", "pull", "tiny").returncode == 0
    assert any(f"/revision/{COMMIT}" in request for request in hub.requests)
    home.run("model", "remove", "tiny")
    hub.requests.clear()
    assert home.run("model", "pull", "tiny@v1").returncode == 0
    assert any("/revision/v1" in request for request in hub.requests)


# Their repositories could not be asked for the commit when they were entered; the hub's own sha256 is checked.
NOT_PINNED_YET = {"seed-coder-8b-base", "sweep-next-edit-v2-7b", "zeta-2.1"}


def test_every_model_of_the_catalogue_is_pinned_by_its_revision_or_by_the_sha256_of_all_files() -> None:
    for model in read_catalogue(Path("nowhere")).values():
        is_pinned = all(file.sha256 for file in model.files) or re.fullmatch("[0-9a-f]{40}", str(model.revision))
        assert bool(is_pinned) != (model.name in NOT_PINNED_YET), model.name
        assert model.licence
        assert all(re.fullmatch("[0-9a-f]{64}", file.sha256) for file in model.files if file.sha256)


def test_a_repository_of_gguf_only_says_what_to_do(home: Home, hub: Hub) -> None:
    hub.repositories[REPOSITORY] = {"tiny.gguf": b"GGUF"}
    assert "fetch tiny.gguf and `midspan model import` it" in home.run("model", "pull", REPOSITORY).stderr
