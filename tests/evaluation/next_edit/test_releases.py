"""The pinned releases: which packages, and that an archive is the pinned one."""

import io
import tarfile
import zipfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from evaluation.next_edit.releases import Archive, ReleasePair, find_archives, read_pairs, read_texts
from evaluation.next_edit.run_cases import COUNTS
from midspan import SettingsError

LICENCES = {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}


def write_wheel(folder: Path, version: str, files: dict[str, bytes]) -> Archive:
    path = folder / f"package-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, data in files.items():
            wheel.writestr(name, data)
    return Archive(version, path.name, sha256(path.read_bytes()).hexdigest())


def pair_of(old: Archive, new: Archive, language: str = "python") -> ReleasePair:
    return ReleasePair("package", language, "MIT", "held out", old, new)


def test_a_package_that_tunes_rules_makes_no_held_out_case() -> None:
    tuning, held_out = ({(pair.package, pair.under) for pair in read_pairs(use)} for use in ("tuning", "held out"))
    for package, under in tuning:
        others = [folder for name, folder in held_out if name == package]
        assert not any(folder.startswith(under) or under.startswith(folder) for folder in others)


def test_each_use_has_each_language_and_the_licences_permit_it() -> None:
    for use in ("tuning", "held out"):
        assert {pair.language for pair in read_pairs(use)} == COUNTS.keys()
        assert {pair.licence for pair in read_pairs(use)} <= LICENCES


def test_an_archive_that_is_missing_or_another_one_is_refused(tmp_path: Path) -> None:
    pair = pair_of(write_wheel(tmp_path, "1.0", {"a.py": b"a"}), write_wheel(tmp_path, "1.1", {"a.py": b"b"}))
    assert find_archives(tmp_path, [pair]) == tmp_path
    with pytest.raises(SettingsError, match="sha256 differs"):
        find_archives(tmp_path, [replace(pair, new=replace(pair.new, sha256="0" * 64))])
    with pytest.raises(SettingsError, match=r"Download package 1\.2"):
        find_archives(tmp_path, [replace(pair, new=Archive("1.2", "package-1.2.whl", "0"))])


def test_the_texts_are_the_files_of_the_language_in_the_wanted_folders(tmp_path: Path) -> None:
    files = dict.fromkeys(
        ("src/a.py", "src/node_modules/b.py", "src/vendor/c.py", "other/d.py", "src/e.txt", "../f.py", "/g.py"),
        b"x = 1\r\n",
    )
    archive = write_wheel(tmp_path, "1.0", {**files, "src/long.py": b"x" * 200_001, "src/latin.py": b"\xe4 = 1\n"})
    pair = replace(pair_of(archive, archive), under="src/")
    assert read_texts(pair, archive, tmp_path) == {"src/a.py": "x = 1\n", "src/latin.py": "\ufffd = 1\n"}


def test_a_package_of_npm_is_read_without_its_folder_and_its_declarations(tmp_path: Path) -> None:
    path = tmp_path / "package-1.0.tgz"
    with tarfile.open(path, "w:gz") as package:
        for name in ("package/src/a.ts", "package/src/b.tsx", "package/src/c.d.ts", "package/d.js"):
            entry = tarfile.TarInfo(name)
            entry.size = 6
            package.addfile(entry, io.BytesIO(b"let a\n"))
    archive = Archive("1.0", path.name, sha256(path.read_bytes()).hexdigest())
    assert list(read_texts(pair_of(archive, archive, "typescript"), archive, tmp_path)) == ["src/a.ts", "src/b.tsx"]
