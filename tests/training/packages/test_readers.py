"""Packages of npm and Debian are read as text where their licences allow it, by the paths of a workspace."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from training.packages.copyright_file import read_copyright
from training.packages.debian import read_c, read_go, read_rust
from training.packages.npm import read_npm
from training.packages.pins import NpmPin

COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: someone
License: {licence}

Files: third/* odd.c
Copyright: another
License: GPL-2+
 and its text

Files: fine.c
License: Expat
"""


def make_tar(files: dict[str, str], mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:  # type: ignore[call-overload]
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


def make_deb(files: dict[str, str]) -> bytes:
    members = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": make_tar(files, "w:xz")}
    parts = [b"!<arch>\n"]
    for name, content in members.items():
        parts += [
            f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode(),
            content,
            b"\n" * (len(content) % 2),
        ]
    return b"".join(parts)


@pytest.mark.parametrize(
    ("licence", "is_read"),
    [("MIT", True), ("(MIT OR GPL-3.0)", True), ("GPL-3.0", False), ("SEE LICENSE IN FILE", False), (None, False)],
)
def test_an_npm_package_is_read_where_its_licence_allows_it(tmp_path: Path, licence: str | None, is_read: bool) -> None:
    about = json.dumps({"name": "@some/thing", "version": "1.2.3", "license": licence})
    files = {
        "package/package.json": about,
        "package/src/a/b.ts": "x",
        "package/dist/b.js": "y",
        "package/src/a.md": "z",
    }
    (tmp_path / "some-thing-1.2.3.tgz").write_bytes(make_tar(files))
    packages = list(read_npm(tmp_path, [NpmPin("@some/thing@1.2.3", "src/"), NpmPin("absent@1.0.0")]))
    assert [package.files for package in packages] == ([{"src/a/b.ts": b"x"}] if is_read else [])
    assert all(
        (package.name, package.version, package.licence) == ("@some/thing", "1.2.3", licence) for package in packages
    )


def test_go_is_read_below_its_module_without_files_under_other_licences(tmp_path: Path) -> None:
    root = "./usr/share/gocode/src/example.org/some/module/"
    files = {
        "./usr/share/doc/golang-some-dev/copyright": COPYRIGHT.format(licence="Apache-2.0"),
        f"{root}main.go": "package main",
        f"{root}inner/a.go": "package inner",
        f"{root}third/b.go": "package third",
        f"{root}README.md": "text",
    }
    (tmp_path / "golang-some-dev_1%3a2.0-1_all.deb").write_bytes(make_deb(files))
    (package,) = read_go(tmp_path, ["golang-some-dev=1:2.0-1", "golang-absent-dev=1-1"])
    assert set(package.files) == {"main.go", "inner/a.go"}
    assert package.licence == "Apache-2.0"


@pytest.mark.parametrize(("licence", "is_read"), [("MIT/Apache-2.0", True), ("MPL-2.0", False)])
def test_a_crate_is_read_where_its_manifest_allows_it(tmp_path: Path, licence: str, is_read: bool) -> None:
    root = "./usr/share/cargo/registry/some-1.0.0/"
    files = {f"{root}Cargo.toml": f'[package]\nlicense = "{licence}"\n', f"{root}src/lib.rs": "fn a() {}"}
    (tmp_path / "librust-some-dev_1.0.0-1_amd64.deb").write_bytes(make_deb(files))
    packages = list(read_rust(tmp_path, ["librust-some-dev=1.0.0-1"]))
    assert [set(package.files) for package in packages] == ([{"src/lib.rs"}] if is_read else [])


@pytest.mark.parametrize(("licence", "is_read"), [("Expat", True), ("LGPL-2.1+", False), ("Expat and GPL-2", False)])
def test_c_is_read_from_the_archives_of_a_source_package(tmp_path: Path, licence: str, is_read: bool) -> None:
    upstream = {
        "some-1.0/main.c": "int a;",
        "some-1.0/odd.c": "int b;",
        "some-1.0/fine.c": "int c;",
        "some-1.0/x.py": "",
    }
    (tmp_path / "some_1.0.orig.tar.gz").write_bytes(make_tar(upstream))
    about = {"debian/copyright": COPYRIGHT.format(licence=licence)}
    (tmp_path / "some_1.0-2.debian.tar.xz").write_bytes(make_tar(about, "w:xz"))
    names = ["some_1.0-2.debian.tar.xz", "some_1.0.orig.tar.gz", "some_1.0.orig.tar.gz.asc"]
    listed = "".join(f" 0a1b 12 {name}\n" for name in names)
    (tmp_path / "some_1.0-2.dsc").write_text(
        f"Format: 3.0 (quilt)\nChecksums-Sha256:\n{listed}Files:\n{listed}", "utf-8"
    )
    packages = list(read_c(tmp_path, ["some=1.0-2"]))
    assert [set(package.files) for package in packages] == ([{"main.c", "fine.c"}] if is_read else [])


def test_a_copyright_file_in_prose_is_refused() -> None:
    assert read_copyright("This package may be used under the MIT licence.\n") is None


def test_a_pattern_without_a_wildcard_refuses_one_file() -> None:
    found = read_copyright(COPYRIGHT.format(licence="ISC"))
    assert found is not None
    assert found.allows("src/fine.c")
    assert not found.allows("src/odd.c")
    assert not found.allows("src/third/deep/a.c")
    assert found.allows("src/odd.c.h")
