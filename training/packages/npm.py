"""The reader of packages from npm: TypeScript and JavaScript as they were written, from archives that npm fetches."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from training.packages.archives import read_tar
from training.packages.fetch import fetch
from training.packages.languages import TYPESCRIPT
from training.packages.licences import allows_expression
from training.packages.package import Package, allowed
from training.packages.pins import NpmPin

_ABOUT = "package.json"


def fetch_npm(folder: Path, pins: Sequence[NpmPin]) -> None:
    """Fetch the archives that are not there yet; stderr names those that cannot be fetched, which are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    for pin in pins:
        if not (folder / _file_name(pin)).is_file():
            fetch(["npm", "pack", "--silent", pin.wanted], folder, pin.wanted)


def read_npm(folder: Path, pins: Sequence[NpmPin]) -> Iterator[Package]:
    """The packages whose archives are in the folder; stderr names those whose licence is not allowed."""
    for pin in pins:
        path = folder / _file_name(pin)
        if path.is_file():
            yield from allowed(_read_archive(path.read_bytes(), pin), pin.wanted)


def _read_archive(content: bytes, pin: NpmPin) -> Package | None:
    """The archive's sources, or None when its licence is not allowed. All files stand below one folder."""

    def is_wanted(name: str) -> bool:
        inside = name.partition("/")[2]
        return inside == _ABOUT or (inside.startswith(pin.folder) and name.endswith(TYPESCRIPT.suffixes))

    files = {name.partition("/")[2]: text for name, text in read_tar(content, is_wanted)}
    about = json.loads(files.pop(_ABOUT, b"{}"))
    licence = _licence_of(about)
    if licence is None:
        return None
    return Package(about["name"], about["version"], licence, files)


def _licence_of(about: dict[str, Any]) -> str | None:
    licence = about.get("license")
    return licence if isinstance(licence, str) and allows_expression(licence) else None


def _file_name(pin: NpmPin) -> str:
    """The name that npm gives the archive."""
    name, _, version = pin.wanted.rpartition("@")
    return f"{name.removeprefix('@').replace('/', '-')}-{version}.tgz"
