"""midspan.json beside a model's weights: their source, and every file's size and sha256."""

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

from inference.model_files import CONFIDENCE_FILE, checked_path, find_file, read_json
from inference.models.config_json import read_integer
from inference.weights.progress import Progress
from midspan import ModelError

MANIFEST_FILE = "midspan.json"
READ_BYTES = 1 << 20
_MOST_BYTES = 1 << 20
_MOST_SIZE = 1 << 50  # of a file, and of a model's parameters
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class StoredFile:
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    source: str  # in words
    command: str  # fetches or imports the model again
    parameters: int
    files: Mapping[str, StoredFile]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files.values())


def write_manifest(folder: Path, manifest: Manifest) -> None:
    (folder / MANIFEST_FILE).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Read a folder's manifest. Raises ModelError when it is missing or corrupt."""
    path = folder / MANIFEST_FILE
    try:
        found = read_json(folder, MANIFEST_FILE, _MOST_BYTES)
        parameters = read_integer(found, "parameters", path, least=0, most=_MOST_SIZE)
        files = found.get("files")
        texts = [found.get("source"), found.get("command")]
        if not isinstance(files, dict) or not all(isinstance(text, str) for text in texts):
            raise ModelError(f"{path}: lacks files, source or command")
        stored = {checked_path(name, path): _read_file(file, path) for name, file in files.items()}
    except ModelError as error:
        raise ModelError(f"{error}; `midspan model remove {folder.name}`, then fetch the model again") from error
    return Manifest(found["source"], found["command"], parameters, stored)


def _read_file(file: object, path: Path) -> StoredFile:
    if not isinstance(file, dict) or not _SHA256.fullmatch(str(file.get("sha256"))):
        raise ModelError(f"{path}: has a file without a sha256")
    return StoredFile(read_integer(file, "size_bytes", path, least=0, most=_MOST_SIZE), file["sha256"])


def hash_file(path: Path, progress: Progress, copy_to: Path | None = None) -> StoredFile:
    """Compute a file's size and sha256, and copy the file on the way if asked to."""
    digest = hashlib.sha256()
    size_bytes = 0
    with path.open("rb") as file, copy_to.open("wb") if copy_to else nullcontext() as copy:
        while block := file.read(READ_BYTES):
            digest.update(block)
            if copy:
                copy.write(block)
            size_bytes += len(block)
            progress(len(block))
    return StoredFile(size_bytes, digest.hexdigest())


def verify(folder: Path, manifest: Manifest, progress: Progress) -> list[str]:
    """List the differences from the manifest in words; empty: every byte is as it was."""
    problems = []
    for name, expected in manifest.files.items():
        try:
            path = find_file(folder, name)
        except ModelError as error:
            problems.append(f"{name} {str(error).partition(': ')[2].partition(';')[0]}")
            continue
        if (size_bytes := path.stat().st_size) != expected.size_bytes:
            problems.append(f"{name} has {size_bytes} bytes instead of {expected.size_bytes}")
        elif hash_file(path, progress) != expected:
            problems.append(f"{name} has changed: its sha256 is different")
    known = {*manifest.files, MANIFEST_FILE, CONFIDENCE_FILE}
    known |= {name.partition("/")[0] for name in known}  # the folder of licences
    problems += [f"{path.name} does not belong to it" for path in sorted(folder.iterdir()) if path.name not in known]
    return problems
