"""The reader of packages from Debian: Go and Rust from packages for builds, C from source packages.

apt-get fetches them. They are read as text: nothing is unpacked to the disk, installed or built.
"""

import subprocess
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from training.packages.archives import below, common_folder, read_deb, read_tar
from training.packages.copyright_file import CopyrightFile, read_copyright
from training.packages.fetch import fetch
from training.packages.languages import GO, RUST, C
from training.packages.licences import allows_expression
from training.packages.package import Package, allowed

_GO_FOLDERS = ("usr/share/gocode/src/", "usr/share/go-")
_RUST_FOLDER = "usr/share/cargo/registry/"


def fetch_debs(folder: Path, pins: Sequence[str]) -> None:
    """Fetch the binary packages, "name=version", that are not there yet; stderr names those that cannot be fetched."""
    folder.mkdir(parents=True, exist_ok=True)
    for pin in pins:
        if _find_deb(folder, pin) is None:
            fetch(["apt-get", "-q", "download", pin], folder, pin)


def fetch_sources(folder: Path, pins: Sequence[str]) -> None:
    """Fetch the source packages, "name=version", that are not there yet; stderr names those that cannot be fetched.

    A machine seldom lists source packages: the list is made here, for the mirrors that it has, beside the packages.
    """
    missing = [pin for pin in pins if _find_source(folder, pin) is None]
    if not missing:
        return
    options = _list_sources(folder)
    for pin in missing:
        fetch(["apt-get", *options, "-q", "source", "--download-only", pin], folder, pin)


def read_go(folder: Path, pins: Sequence[str]) -> Iterator[Package]:
    """The Go packages that were fetched; stderr names those whose licence is not allowed."""
    return _read_debs(folder, pins, _read_go)


def read_rust(folder: Path, pins: Sequence[str]) -> Iterator[Package]:
    """The Rust packages that were fetched; stderr names those whose licence is not allowed."""
    return _read_debs(folder, pins, _read_rust)


def read_c(folder: Path, pins: Sequence[str]) -> Iterator[Package]:
    """The C packages that were fetched; stderr names those whose licence is not allowed."""
    for pin in pins:
        paths = _find_source(folder, pin)
        if paths is not None:
            yield from allowed(_read_c([path.read_bytes() for path in paths], pin), pin)


def _read_debs(folder: Path, pins: Sequence[str], read: Callable[[bytes, str], Package | None]) -> Iterator[Package]:
    for pin in pins:
        path = _find_deb(folder, pin)
        if path is not None:
            yield from allowed(read(path.read_bytes(), pin), pin)


def _read_go(content: bytes, pin: str) -> Package | None:
    def is_wanted(name: str) -> bool:
        return name.endswith("/copyright") or (name.startswith(_GO_FOLDERS) and name.endswith(GO.suffixes))

    files = dict(read_deb(content, is_wanted))
    copyright_file = _take_copyright(files, "/copyright")
    if copyright_file is None:
        return None
    files = below(files, common_folder(list(files)))
    return _package(pin, copyright_file.licence, {path: files[path] for path in files if copyright_file.allows(path)})


def _read_rust(content: bytes, pin: str) -> Package | None:
    def is_wanted(name: str) -> bool:
        return name.startswith(_RUST_FOLDER) and name.endswith((*RUST.suffixes, "/Cargo.toml"))

    files = dict(read_deb(content, is_wanted))
    files = below(files, common_folder(list(files)))
    about = tomllib.loads(files.get("Cargo.toml", b"").decode())
    # The old form of two licences to choose from is "MIT/Apache-2.0".
    licence = str(about.get("package", {}).get("license", "")).replace("/", " OR ")
    if not allows_expression(licence):
        return None
    return _package(pin, licence, {path: files[path] for path in files if path.endswith(RUST.suffixes)})


def _read_c(archives: Sequence[bytes], pin: str) -> Package | None:
    """The sources of the first archives; the last one is Debian's own part, with the copyright file."""
    files: dict[str, bytes] = {}
    for content in archives[:-1]:
        files |= read_tar(content, lambda name: name.endswith(C.suffixes))
    about = dict(read_tar(archives[-1], lambda name: name == "debian/copyright"))
    copyright_file = _take_copyright(about, "debian/copyright")
    if copyright_file is None:
        return None
    files = below(files, common_folder(list(files)))
    return _package(pin, copyright_file.licence, {path: files[path] for path in files if copyright_file.allows(path)})


def _take_copyright(files: dict[str, bytes], ending: str) -> CopyrightFile | None:
    name = next((name for name in files if name.endswith(ending)), None)
    return None if name is None else read_copyright(files.pop(name).decode("utf-8", "replace"))


def _package(pin: str, licence: str, files: dict[str, bytes]) -> Package:
    name, version = pin.split("=")
    return Package(name, version, licence, files)


def _find_deb(folder: Path, pin: str) -> Path | None:
    name, version = pin.split("=")
    return next(iter(folder.glob(f"{name}_{version.replace(':', '%3a')}_*.deb")), None)


def _find_source(folder: Path, pin: str) -> list[Path] | None:
    """The archives that the description of a source package names, Debian's own part last; None when one is missing."""
    name, version = pin.split("=")
    description = folder / f"{name}_{version.partition(':')[2] or version}.dsc"
    if not description.is_file():
        return None
    text = description.read_text(encoding="utf-8")
    listed = text.partition("\nChecksums-Sha256:")[2].splitlines()[1:]
    names = [line.split()[2] for line in listed[: next((i for i, line in enumerate(listed) if line[:1] != " "), 99)]]
    paths = [folder / name for name in sorted(names, key=lambda name: ".debian.tar" in name) if ".tar" in name]
    paths = [path for path in paths if path.suffix != ".asc"]
    return paths if len(paths) > 1 and all(path.is_file() for path in paths) else None


def _list_sources(folder: Path) -> list[str]:
    """Options for apt-get with a list of source packages of its own, for the mirrors that the machine has."""
    own = folder / "apt"
    for name in ("lists/partial", "cache/archives/partial"):
        (own / name).mkdir(parents=True, exist_ok=True)
    (own / "status").touch()
    targets = ["apt-get", "indextargets", "--format", "$(SIGNED_BY) $(SITE) $(RELEASE) $(COMPONENT)"]
    found = subprocess.run(targets, capture_output=True, text=True, check=False).stdout.splitlines()
    lines = [line.split() for line in dict.fromkeys(found) if "$" not in line and len(line.split()) == 4]
    sources = [f"deb-src [signed-by={key}] {site} {release} {component}\n" for key, site, release, component in lines]
    (own / "sources.list").write_text("".join(sources), encoding="utf-8")
    settings = {
        "Dir::Etc::sourcelist": own / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State": own,
        "Dir::State::lists": own / "lists",
        "Dir::State::status": own / "status",
        "Dir::Cache": own / "cache",
    }
    options = [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]
    subprocess.run(["apt-get", *options, "-qq", "update"], check=False)
    return options
