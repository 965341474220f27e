"""Real files for false alarms: CPython's library and its tests, django, Go, and TypeScript projects.

The packages come through the clients of three registries, by name: Debian's (`apt-get download`, for CPython and Go,
which therefore needs Debian), PyPI's (`pip download`, django's source) and npm's (`npm pack`). Each is unpacked once
into a folder that stays. Folders that are on the disk anyway can be named instead.
"""

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

DEBIAN_PACKAGES = ("libpython3.13-stdlib", "libpython3.13-testsuite", "golang-1.24-src")
PYPI_SOURCES = ("django",)
NPM_PACKAGES = ("effect", "typeorm", "rxjs")


def fetch_real_files(folder: Path) -> Iterator[Path]:
    """Yield the folder of each package, fetched where it is not there yet. Raises CalledProcessError."""
    for name in (*DEBIAN_PACKAGES, *PYPI_SOURCES, *NPM_PACKAGES):
        target = folder / name
        if not target.exists():
            work = folder / f"{name}.work"
            shutil.rmtree(work, ignore_errors=True)
            (work / "unpacked").mkdir(parents=True)
            _unpack(_download(name, work), work / "unpacked")
            (work / "unpacked").rename(target)
            shutil.rmtree(work)
        yield target


def _download(name: str, work: Path) -> Path:
    if name in DEBIAN_PACKAGES:
        _run(["apt-get", "download", "-q", name], work)
    elif name in PYPI_SOURCES:
        _run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", name], work)
    else:
        _run([shutil.which("npm") or "npm", "pack", "--silent", name], work)
    return next(path for path in work.iterdir() if path.is_file())


def _unpack(archive: Path, target: Path) -> None:
    if archive.suffix == ".deb":
        _run(["dpkg-deb", "-x", str(archive), str(target)], target)
    else:
        with tarfile.open(archive) as files:
            files.extractall(target, filter="data")


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
