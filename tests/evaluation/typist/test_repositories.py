"""The archives of three registries are read as text, and one that is missing is told of."""

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from evaluation.typist import repositories
from evaluation.typist.repositories import Archive, load_repositories
from midspan import SettingsError

CODE = b"x = 1\n"
NAMES = ["src/code.py", "src/tests/test_code.py", "src/test_more.py", "../out.py", "src/data.txt"]


def tar_of(names: list[str]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz") as tar:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = len(CODE)
            tar.addfile(entry, io.BytesIO(CODE))
    return data.getvalue()


def wheel_of(names: list[str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as wheel:
        for name in names:
            wheel.writestr(name, CODE)
    return data.getvalue()


def deb_of(names: list[str]) -> bytes:
    found = b"!<arch>\n"
    for member, content in [("debian-binary", b"2.0"), ("data.tar.xz", tar_of([f"./{name}" for name in names]))]:
        found += f"{member:16}{0:<12}{0:<6}{0:<6}{'100644':8}{len(content):<10}`\n".encode() + content
        found += b"\n" * (len(content) % 2)
    return found


def archive(folder: Path, file: str, content: bytes, client: str = "pip") -> Archive:
    (folder / file).write_bytes(content)
    return Archive(file.partition(".")[0], client, "a==1", file, hashlib.sha256(content).hexdigest(), ".py")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(repositories, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def test_of_each_kind_of_archive_the_code_is_read_without_its_tests(tmp_path: Path) -> None:
    made = [("a.whl", wheel_of(NAMES)), ("b.tgz", tar_of(NAMES)), ("c.deb", deb_of(NAMES))]
    archives = [archive(tmp_path, file, content) for file, content in made]
    found, missing = load_repositories(archives, tmp_path)
    assert [repository.files for repository in found] == [{"src/code.py": CODE.decode()}] * 3
    assert all((repository.root / "src/code.py").read_bytes() == CODE for repository in found)
    assert not missing


def test_another_archive_is_refused_and_the_others_are_typed(tmp_path: Path) -> None:
    good, bad = (archive(tmp_path, file, wheel_of(NAMES)) for file in ("good.whl", "bad.whl"))
    (tmp_path / "bad.whl").write_bytes(wheel_of(["other.py"]))
    found, missing = load_repositories([good, bad], tmp_path)
    assert [repository.name for repository in found] == ["good"]
    assert "sha256" in missing["bad"]


def test_a_client_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    wanted = Archive("mux", "apt-get", "mux=1", "mux.deb", "", ".go")
    with pytest.raises(SettingsError, match=r"mux=1 cannot be fetched \(apt-get: .*--packages"):
        load_repositories([wanted], None)
