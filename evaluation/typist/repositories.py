"""The repositories whose lines are typed, from archives that the clients of three registries fetch.

Archives are unpacked as text; none of their code is installed or run.
"""

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from context.rules.rules import judge_text
from evaluation.archives import files_of_deb, files_of_tar, files_of_wheel
from evaluation.cache_folder import cache_folder
from midspan import SettingsError

_MOST_FILE_BYTES = 200_000
_WITHIN_S = 300
_PIP = sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"
# Files of tests and of data: nobody waits for ghost text in them, and half of the lines are literals.
_LEFT_OUT = ("test", "tests", "__tests__", "benchmarks", "locales", "dist", "vendored")


@dataclass(frozen=True)
class Archive:
    """An archive of one version, by the client that fetches it: "pip", "npm" or "apt-get".

    Files that end with `suffix` are read.
    """

    repository: str
    client: str
    wanted: str  # the package and its version, as the client takes them
    file: str
    sha256: str
    suffix: str


# Typed by `midspan eval typing`. No rule was tuned on arrow and anyhow, and no table of confidence on any of them.
HELD_OUT = (
    Archive(
        "flask",
        "pip",
        "Flask==3.1.3",
        "flask-3.1.3-py3-none-any.whl",
        "f4bcbefc124291925f1a26446da31a5178f9483862233b23c0c96a20701f670c",
        ".py",
    ),
    Archive(
        "requests",
        "pip",
        "requests==2.34.2",
        "requests-2.34.2-py3-none-any.whl",
        "2a0d60c172f83ac6ab31e4554906c0f3b3588d37b5cb939b1c061f4907e278e0",
        ".py",
    ),
    Archive(
        "zod",
        "npm",
        "zod@4.6.7",
        "zod-4.6.7.tgz",
        "84efd155bed93270286e793fc951be270b536cbd5b0eeb111f0fa3967201d698",
        ".ts",
    ),
    Archive(
        "mux",
        "apt-get",
        "golang-github-gorilla-mux-dev=1.8.1-1",
        "golang-github-gorilla-mux-dev_1.8.1-1_all.deb",
        "966a83aaab1460427230cd8ad46782eb4920bb625279797f5590d2545519ea63",
        ".go",
    ),
    Archive(
        "arrow",
        "pip",
        "arrow==1.4.0",
        "arrow-1.4.0-py3-none-any.whl",
        "749f0769958ebdc79c173ff0b0670d59051a535fa26e8eba02953dc19eb43205",
        ".py",
    ),
    Archive(
        "anyhow",
        "apt-get",
        "librust-anyhow-dev=1.0.95-1",
        "librust-anyhow-dev_1.0.95-1_amd64.deb",
        "a92915413743ca59cabb2f433564a8f8ad001d867f5a89d47c8dc703941b0f99",
        ".rs",
    ),
)
# Typed by `midspan eval calibration`. The built-in model was trained on none of these either.
CALIBRATION = (
    Archive(
        "httpx",
        "pip",
        "httpx==0.28.1",
        "httpx-0.28.1-py3-none-any.whl",
        "d909fcccc110f8c7faf814ca82a9a4d816bc5a6dbfea25d6591d6985b8ba59ad",
        ".py",
    ),
    Archive(
        "marshmallow",
        "pip",
        "marshmallow==4.4.0",
        "marshmallow-4.4.0-py3-none-any.whl",
        "03a882ff2eabb9a4e24b433c2949f359ef4d172a12fdc14cde10375fd55328b4",
        ".py",
    ),
    Archive(
        "immer",
        "npm",
        "immer@11.2.10",
        "immer-11.2.10.tgz",
        "f8184e2750790534d2faf01137b39133586ef2c14fa504ee82409568dbb0b32d",
        ".ts",
    ),
    Archive(
        "websocket",
        "apt-get",
        "golang-github-gorilla-websocket-dev=1.5.3-1",
        "golang-github-gorilla-websocket-dev_1.5.3-1_all.deb",
        "f4cfa3ed32bec3c6f374c02ca952a2cfc9cc2052d4964be96fbb376868c886b6",
        ".go",
    ),
)


@dataclass(frozen=True)
class Repository:
    """The files of an archive by their paths, unpacked under `root`."""

    name: str
    root: Path
    files: dict[str, str]


def load_repositories(archives: Sequence[Archive], folder: Path | None) -> tuple[list[Repository], dict[str, str]]:
    """Read the archives in `folder`, or in the user's cache, to which missing ones are fetched.

    Return the repositories, and the reasons why others are not at hand. Raises SettingsError when none is.
    """
    cache = cache_folder() / "repositories"
    found, missing = [], {}
    for archive in archives:
        try:
            path = (folder or _fetched(archive, cache)) / archive.file
            found.append(_unpack(archive, path, cache / archive.repository))
        except SettingsError as error:
            missing[archive.repository] = str(error)
    if not found:
        raise SettingsError(" ".join(missing.values()) or "There is no repository in a language of this model.")
    return found, missing


def _fetched(archive: Archive, folder: Path) -> Path:
    """Fetch the archive where it is missing, and return the folder. Raises SettingsError."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / archive.file).is_file():
        return folder
    commands = {
        "pip": [*_PIP, "--no-deps", "--only-binary=:all:", "--dest", str(folder), archive.wanted],
        "npm": ["npm", "pack", "--silent", archive.wanted],
        "apt-get": ["apt-get", "download", "-q", archive.wanted],
    }
    try:
        done = subprocess.run(
            commands[archive.client], cwd=folder, capture_output=True, text=True, check=False, timeout=_WITHIN_S
        )
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1] if done.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = f"{archive.client}: {error}"
    if reason:
        raise SettingsError(
            f"{archive.wanted} cannot be fetched ({reason}). "
            f"Put {archive.file} into a folder and name it with --packages."
        )
    return folder


def _unpack(archive: Archive, path: Path, root: Path) -> Repository:
    """Write the files of an archive under `root`. Raises SettingsError for one that is missing or another."""
    if not path.is_file():
        raise SettingsError(f"{path} does not exist. Put it there, or leave --packages out.")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != archive.sha256:
        raise SettingsError(f"{path} is not the archive that is typed: its sha256 differs. Fetch it again.")
    read = {".whl": files_of_wheel, ".tgz": files_of_tar, ".deb": files_of_deb}[path.suffix]
    files = {}
    for name, encoded in sorted(read(content, lambda name, size: is_wanted(name, size, archive.suffix))):
        text = encoded.decode("utf-8").replace("\r\n", "\n")
        target = root / name
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        if judge_text(name, text) is None:  # in any other file the server completes nothing
            files[name] = text
    return Repository(archive.repository, root, files)


def is_wanted(name: str, size: int, suffix: str) -> bool:
    """Return whether lines of this file are typed: code that is not too long, and neither a test nor data."""
    parts = PurePosixPath(name).parts
    is_test = any(mark in parts[-1] for mark in ("_test.", ".test.", ".d.ts")) or parts[-1].startswith("test_")
    is_plain = ".." not in parts and parts[0] != "/" and not set(parts) & set(_LEFT_OUT) and not is_test
    return name.endswith(suffix) and is_plain and 0 < size <= _MOST_FILE_BYTES
