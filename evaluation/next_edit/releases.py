"""Pairs of successive releases, from which the cases are made, and their texts.

`releases.json` pins each archive by its hash. Packages whose `use` is "tuning" are those on which the rules may be
tuned; "held out" packages make the cases of the evaluation. pip and npm download the archives, which are read as text:
none of their code is installed or run. So Python's are wheels: a source archive runs code when pip downloads it.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from context.documents.languages import language_of
from evaluation.cache_folder import cache_folder
from midspan import SettingsError

Use = Literal["tuning", "held out"]

_PINS = Path(__file__).with_name("releases.json")
_MOST_FILE_BYTES = 200_000
_LANGUAGES = {"python": ("python",), "typescript": ("typescript", "typescriptreact"), "go": ("go",)}
_LEFT_OUT = {"vendor", "_vendor", "testdata", "node_modules", "generated", ".."}
# One platform's wheels everywhere, so that their hashes are those of the pins.
_PLATFORM = ("--platform", "manylinux_2_17_x86_64", "--platform", "manylinux_2_28_x86_64", "--python-version", "3.12")


@dataclass(frozen=True)
class Archive:
    """A wheel of pip's index or a package of npm's."""

    version: str
    file: str
    sha256: str


@dataclass(frozen=True)
class ReleasePair:
    """Two successive releases of a package; their files `under` a folder."""

    package: str
    language: str
    licence: str
    use: Use
    old: Archive
    new: Archive
    under: str = ""

    @property
    def title(self) -> str:
        """The name of the pair, with its folder."""
        folder = f" {self.under}" if self.under else ""
        return f"{self.package}{folder} {self.old.version}..{self.new.version}"


def read_pairs(use: Use) -> list[ReleasePair]:
    """Return the pinned pairs of this use."""
    entries = json.loads(_PINS.read_text(encoding="utf-8"))
    pairs = [
        ReleasePair(
            **{name: entry[name] for name in ("package", "language", "licence", "use")},
            old=Archive(**entry["old"]),
            new=Archive(**entry["new"]),
            under=entry.get("under", ""),
        )
        for entry in entries
    ]
    return [pair for pair in pairs if pair.use == use]


def find_archives(folder: Path | None, pairs: Sequence[ReleasePair]) -> Path:
    """Return the folder of the archives: `folder`, or the user's cache, to which missing ones are downloaded.

    Raises SettingsError for an archive that is missing, or is not the pinned one.
    """
    archives = folder or cache_folder() / "releases"
    if folder is None:
        archives.mkdir(parents=True, exist_ok=True)
        for package, archive in _archives(pairs):
            if not (archives / archive.file).is_file():
                _download(package, archive, archives)
    for package, archive in _archives(pairs):
        path = archives / archive.file
        if not path.is_file():
            raise SettingsError(
                f"{path} does not exist. Download {package} {archive.version}, or leave --packages out."
            )
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != archive.sha256:
                raise SettingsError(
                    f"{path} is not the archive that the cases are made from: its sha256 differs. Download it again."
                )
    return archives


def read_texts(pair: ReleasePair, archive: Archive, folder: Path) -> dict[str, str]:
    """Return the files of the pair's language in the archive, by their paths in it."""

    def is_wanted(name: str) -> bool:
        is_ours = name.startswith(pair.under) and language_of(name) in _LANGUAGES[pair.language]
        is_outside = name.startswith("/") or not _LEFT_OUT.isdisjoint(PurePosixPath(name).parts)
        return is_ours and not is_outside and not name.endswith(".d.ts")

    files = dict(_files(folder / archive.file, is_wanted))
    return {name: files[name].decode("utf-8", errors="replace").replace("\r\n", "\n") for name in sorted(files)}


def _archives(pairs: Sequence[ReleasePair]) -> list[tuple[str, Archive]]:
    return list(dict.fromkeys((pair.package, archive) for pair in pairs for archive in (pair.old, pair.new)))


def _download(package: str, archive: Archive, folder: Path) -> None:
    """Download with pip or npm, which know the user's registry."""
    if archive.file.endswith(".whl"):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", *_PLATFORM, "--dest", str(folder), f"{package}=={archive.version}"]
    else:
        command = ["npm", "pack", "--loglevel=error", "--ignore-scripts", "--pack-destination", str(folder)]
        command += [f"{package}@{archive.version}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1] if done.returncode else ""
    except FileNotFoundError:
        reason = f"{command[0]} is not installed"
    if reason:
        raise SettingsError(
            f"{package} {archive.version} cannot be downloaded ({reason}). "
            f"Put {archive.file} and the other archives into a folder and name it with --packages."
        )


def _files(archive: Path, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for entry in wheel.infolist():
                if is_wanted(entry.filename) and entry.file_size <= _MOST_FILE_BYTES:
                    yield entry.filename, wheel.read(entry)
        return
    with tarfile.open(archive) as package:
        for member in package:
            name = member.name.removeprefix("package/")
            file = package.extractfile(member) if is_wanted(name) and member.size <= _MOST_FILE_BYTES else None
            if file is not None:
                yield name, file.read()
