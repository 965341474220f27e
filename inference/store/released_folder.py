"""Finds a model's files in a folder of safetensors and checks by names and headers that they are whole."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inference.models.config_json import read_config_json
from inference.prompts.families import family_of
from inference.store.safetensors_header import read_header
from midspan import ModelError

SINGLE_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
TOKENIZER_FILE = "tokenizer.json"


@dataclass(frozen=True)
class ReleasedFolder:
    """A folder of safetensors. `files` are the model's, without config.json."""

    files: tuple[Path, ...]
    parameters: int

    @property
    def size_bytes(self) -> int:
        return sum(file.stat().st_size for file in self.files)


def open_folder(folder: Path) -> ReleasedFolder:
    """Find the files. Raises ModelError for an unknown architecture, a missing, corrupt or truncated file."""
    family_of(read_config_json(folder).get("model_type"), folder)
    if not (folder / TOKENIZER_FILE).is_file():
        raise ModelError(f"{folder}: has no {TOKENIZER_FILE}; fetch it with the model")
    weights = [folder / name for name in weight_files(folder)]
    parameters = sum(tensor.size for file in weights for tensor in read_header(file).values())
    return ReleasedFolder((folder / TOKENIZER_FILE, *_beside(folder), *weights), parameters)


def weight_files(folder: Path) -> list[str]:
    """Return the shards that the index names, or the single file. Raises ModelError when there is neither."""
    if not (folder / INDEX_FILE).is_file():
        if not (folder / SINGLE_FILE).is_file():
            others = sorted(path.name for path in folder.iterdir() if path.suffix in (".gguf", ".bin", ".pt"))
            holds = f"; it holds {others[0]}" if others else ""
            raise ModelError(f"{folder}: has no {SINGLE_FILE} and no {INDEX_FILE}{holds}: take a safetensors release")
        return [SINGLE_FILE]
    return read_index(folder / INDEX_FILE)


def read_index(path: Path) -> list[str]:
    """Read the names of the shards. Raises ModelError."""
    try:
        names = sorted(set(json.loads(path.read_text(encoding="utf-8"))["weight_map"].values()))
        # A name with a folder in it would let an index reach any file of the machine.
        if not names or any(Path(name).name != name or not name.endswith(".safetensors") for name in names):
            raise ValueError("names no safetensors files beside it")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: cannot be read ({error!r}); fetch it again") from error
    return names


def _beside(folder: Path) -> Iterator[Path]:
    """Find the index and the licence, under which the weights may be kept."""
    yield from (path for path in sorted(folder.glob("LICENSE*")) if path.is_file())
    if (folder / INDEX_FILE).is_file():
        yield folder / INDEX_FILE
