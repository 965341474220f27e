"""The held-out packages, from whose text the cases are made. The built-in model is never trained on them.

Their wheels are read as zip files and unpacked as text; none of their code is installed or run.
"""

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from evaluation.cache_folder import cache_folder
from midspan import SettingsError

_MOST_FILE_BYTES = 200_000


@dataclass(frozen=True)
class Pin:
    """A wheel that is the same for every platform."""

    name: str
    version: str
    licence: str
    sha256: str

    @property
    def wheel(self) -> str:
        """The name of the wheel's file."""
        return f"{self.name.lower()}-{self.version}-py3-none-any.whl"


PINS = (
    Pin("Flask", "3.1.3", "BSD-3-Clause", "f4bcbefc124291925f1a26446da31a5178f9483862233b23c0c96a20701f670c"),
    Pin("httpx", "0.28.1", "BSD-3-Clause", "d909fcccc110f8c7faf814ca82a9a4d816bc5a6dbfea25d6591d6985b8ba59ad"),
    Pin("luigi", "3.8.1", "Apache-2.0", "ea974b26157c327ae8f6a6f9e0ddaa09d868ce8a4010f7631c383614e0152318"),
    Pin("marshmallow", "4.4.0", "MIT", "03a882ff2eabb9a4e24b433c2949f359ef4d172a12fdc14cde10375fd55328b4"),
)


@dataclass(frozen=True)
class HeldOutPackage:
    """The Python files of one wheel by their paths, unpacked under `root`."""

    name: str
    root: Path
    files: dict[str, str]


def load_packages(folder: Path | None, pins: Sequence[Pin] = PINS) -> list[HeldOutPackage]:
    """Read the wheels in `folder`, or in the user's cache, to which missing wheels are downloaded.

    Raises SettingsError.
    """
    cache = cache_folder() / "packages"
    if folder is None:
        _fetch(cache, pins)
    return [_unpack(pin, folder or cache, cache) for pin in pins]


def _fetch(folder: Path, pins: Sequence[Pin]) -> None:
    """Download the wheels with pip, which knows the user's index. Wheels only: source archives would run code."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [f"{pin.name}=={pin.version}" for pin in pins if not (folder / pin.wheel).is_file()]
    if not wanted:
        return
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(folder), *wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SettingsError(
            f"{', '.join(wanted)} cannot be downloaded ({reason}). "
            f"Put the wheels into a folder and name it with --packages."
        )


def _unpack(pin: Pin, wheels: Path, cache: Path) -> HeldOutPackage:
    path = wheels / pin.wheel
    if not path.is_file():
        raise SettingsError(f"{path} does not exist. Download {pin.name}=={pin.version}, or leave --packages out.")
    if hashlib.sha256(path.read_bytes()).hexdigest() != pin.sha256:
        raise SettingsError(
            f"{path} is not the wheel that the cases are made from: its sha256 differs. Download it again."
        )
    root = cache / f"{pin.name.lower()}-{pin.version}"
    files = {}
    with zipfile.ZipFile(path) as wheel:
        for name in sorted(wheel.namelist()):
            parts = PurePosixPath(name).parts
            too_long = wheel.getinfo(name).file_size > _MOST_FILE_BYTES
            if not name.endswith(".py") or ".." in parts or parts[0] == "/" or too_long:
                continue
            files[name] = wheel.read(name).decode("utf-8").replace("\r\n", "\n")
            target = root / name
            if not target.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(files[name], encoding="utf-8")
    return HeldOutPackage(pin.name, root, files)
