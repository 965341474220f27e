"""midspan.json beside a model's weights: their source, and every file's size and sha256."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from inference.weights.progress import Progress
from midspan import ModelError

MANIFEST_FILE = "midspan.json"
READ_BYTES = 1 << 20


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
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        files = {name: StoredFile(**file) for name, file in found.pop("files").items()}
        return Manifest(**found, files=files)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(
            f"{path}: cannot be read ({error!r}); `midspan model remove {folder.name}`, then fetch the model again"
        ) from error


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
        path = folder / name
        if not path.is_file():
            problems.append(f"{name} is missing")
        elif (size_bytes := path.stat().st_size) != expected.size_bytes:
            problems.append(f"{name} has {size_bytes} bytes instead of {expected.size_bytes}")
        elif hash_file(path, progress) != expected:
            problems.append(f"{name} has changed: its sha256 is different")
    known = {*manifest.files, MANIFEST_FILE}
    problems += [f"{path.name} does not belong to it" for path in sorted(folder.iterdir()) if path.name not in known]
    return problems
