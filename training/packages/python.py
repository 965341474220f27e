"""The reader of packages in Python: the standard library, installed distributions, downloaded wheels."""

import platform
import sys
import sysconfig
import zipfile
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from training.packages.fetch import fetch
from training.packages.licences import read_package_licence
from training.packages.package import Package, allowed
from training.packages.python_pins import DOWNLOADED, HELD_OUT, INSTALLED, NEVER_TRAINED


def download_wheels(folder: Path) -> None:
    """Fetch every wheel of the training text that is not there yet."""
    fetch_wheels(folder, (*HELD_OUT, *DOWNLOADED))


def fetch_wheels(folder: Path, pins: Sequence[str]) -> None:
    """Fetch every pinned wheel that is not there yet. Source archives would run code: wheels only.

    A package that cannot be fetched is named on stderr and left out; the manifest lists the packages that were used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    there = {tuple(path.name.lower().split("-")[:2]) for path in folder.glob("*.whl")}
    for pin in pins:
        name, version = pin.lower().replace("-", "_").split("==")
        if (name, version) in there:
            continue
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", pin]
        fetch(command, folder, pin)


def read_wheel(path: Path) -> Package | None:
    """The wheel as a package, or None when its licence is not allowed."""
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        metadata_name = next(name for name in names if name.count("/") == 1 and name.endswith(".dist-info/METADATA"))
        metadata = message_from_bytes(wheel.read(metadata_name))
        licence = read_package_licence(metadata)
        if licence is None:
            return None
        files = {name: wheel.read(name) for name in sorted(names) if name.endswith(".py")}
    return Package(metadata["Name"], metadata["Version"], licence, files)


def read_installed(name: str) -> Package | None:
    """An installed distribution as a package, or None when absent or not allowed."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return None
    metadata = message_from_bytes((found.read_text("METADATA") or "").encode())
    licence = read_package_licence(metadata)
    if licence is None:
        return None
    files = {}
    for entry in sorted(found.files or [], key=str):
        path = Path(str(entry.locate()))
        if entry.suffix == ".py" and ".." not in entry.parts and path.is_file():
            files[entry.as_posix()] = path.read_bytes()
    return Package(metadata["Name"], metadata["Version"], licence, files)


def read_standard_library() -> Package:
    """The standard library of the Python that runs this."""
    root = Path(sysconfig.get_paths()["stdlib"])
    files = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*.py"))
        if "site-packages" not in path.parts and path.is_file()
    }
    return Package("cpython-stdlib", platform.python_version(), "PSF-2.0", files)


def read_held_out(folder: Path) -> Iterator[Package]:
    """The packages of `HELD_OUT`, from downloaded wheels."""
    yield from read_wheels(folder, HELD_OUT)


def read_trained(folder: Path) -> Iterator[Package]:
    """Every package to train on whose licence is allowed; stderr names the refused packages."""
    yield read_standard_library()
    for name in INSTALLED:
        package = read_installed(name)
        if package is None:
            print(f"not installed or licence not allowed: {name}", file=sys.stderr)
        elif package.name not in NEVER_TRAINED:
            yield package
    yield from read_wheels(folder, DOWNLOADED)


def read_wheels(folder: Path, pins: Sequence[str]) -> Iterator[Package]:
    """The pinned packages whose wheels are in the folder; stderr names those whose licence is not allowed."""
    wheels = {tuple(path.name.lower().split("-")[:2]): path for path in folder.glob("*.whl")}
    for pin in pins:
        name, version = pin.lower().replace("-", "_").split("==")
        path = wheels.get((name, version))
        if path is None:
            continue
        yield from allowed(read_wheel(path), pin)
