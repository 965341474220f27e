"""Finds a model's files in a folder of safetensors and checks by names and headers that they are whole."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from inference.model_files import CONFIG_FILE, INDEX_FILE, TOKENIZER_FILE, checked_path, find_file, has_file
from inference.models.description import read_description
from inference.store.safetensors_header import StoredTensor, read_header
from inference.weights.shards import find_shards
from midspan import ModelError

LICENCE_FOLDER = "LICENSES"  # as the REUSE specification has it
_MOST_LICENCES = 100


@dataclass(frozen=True)
class ReleasedFolder:
    """A folder of safetensors. `files` are the real paths of the model's files by their names, without config.json."""

    files: Mapping[str, Path]
    tensors: Mapping[str, StoredTensor]

    @property
    def parameters(self) -> int:
        return sum(tensor.size for tensor in self.tensors.values())

    @property
    def size_bytes(self) -> int:
        return sum(file.stat().st_size for file in self.files.values())


def open_folder(folder: Path) -> ReleasedFolder:
    """Find the files. Raises ModelError for an unknown architecture, a missing, corrupt or truncated file."""
    if has_file(folder, CONFIG_FILE) and not has_file(folder, TOKENIZER_FILE):
        raise ModelError(f"{folder}: has no {TOKENIZER_FILE}; fetch it with the model")
    read_description(folder)
    shards = [name for name, _ in find_shards(folder)]
    tensors = {name: tensor for shard in shards for name, tensor in read_header(folder, shard).items()}
    index = [INDEX_FILE] if has_file(folder, INDEX_FILE) else []
    names = [TOKENIZER_FILE, *licences(_names(folder)), *index, *shards]
    return ReleasedFolder({name: find_file(folder, name) for name in names}, tensors)


def licences(names: Iterable[str]) -> list[str]:
    """Return the names of the texts under which the weights may be kept."""
    found = sorted(name for name in names if name.startswith("LICENSE") and _is_licence(name))
    return [checked_path(name, "the model") for name in found[:_MOST_LICENCES]]


def _is_licence(name: str) -> bool:
    return "/" not in name or (name.startswith(f"{LICENCE_FOLDER}/") and name.count("/") == 1)


def _names(folder: Path) -> Iterator[str]:
    """List the files of the folder and of its folder of licences."""
    yield from (path.name for path in folder.iterdir() if not path.is_dir())
    inner = folder / LICENCE_FOLDER
    if inner.is_dir() and not inner.is_symlink():
        yield from (f"{LICENCE_FOLDER}/{path.name}" for path in inner.iterdir())
