"""Finds the safetensors files of a model folder, by their names and the lengths of their headers. Without torch."""

from collections.abc import Iterator
from pathlib import Path
from reprlib import repr  # shortens a long value to what fits in a message

from inference.model_files import INDEX_FILE, SINGLE_FILE, checked_path, has_file, read_json
from midspan import ModelError

# DeepSeek-V2's 236B has 29,000 tensors: an index of 3 MB, and a header of 4 MB in one file.
MOST_INDEX_BYTES = 16 << 20
MOST_HEADER_BYTES = 16 << 20
LENGTH_BYTES = 8  # of the number before the header
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def find_shards(folder: Path) -> Iterator[tuple[str, set[str] | None]]:
    """List the name of each safetensors file with the names that the index promises for it (None: no index).

    Raises ModelError for a folder without safetensors.
    """
    if not has_file(folder, INDEX_FILE):
        if has_file(folder, SINGLE_FILE):
            yield SINGLE_FILE, None
            return
        pickles = sorted(p.name for p in folder.iterdir() if p.suffix in PICKLE_SUFFIXES)
        if pickles:
            raise ModelError(
                f"{folder}: holds weights as pickle ({pickles[0]}), which can run code; "
                f"Midspan reads safetensors only: convert it, or fetch the safetensors files"
            )
        gguf = next((f"; it holds {p.name}: `midspan model import` it" for p in folder.glob("*.gguf")), "")
        raise ModelError(f"{folder}: has no {SINGLE_FILE} and no {INDEX_FILE}; fetch the weights{gguf}")
    promised: dict[str, set[str]] = {}
    for name, file_name in read_weight_map(folder).items():
        promised.setdefault(file_name, set()).add(name)
    yield from sorted(promised.items())


def read_weight_map(folder: Path) -> dict[str, str]:
    """Read the names of the tensors in the index, each with its file beside it. Raises ModelError."""
    path = folder / INDEX_FILE
    weight_map = read_json(folder, INDEX_FILE, MOST_INDEX_BYTES).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise ModelError(f"{path}: names no weights; fetch it again")
    if odd := [file_name for file_name in weight_map.values() if not _is_beside(file_name)]:
        raise ModelError(f"{path}: names {repr(odd[0])}, which is no safetensors file beside it; fetch it again")
    for file_name in set(weight_map.values()):
        checked_path(file_name, path)
    return weight_map


def _is_beside(file_name: object) -> bool:
    """Return whether a name is no path: a shard outside the folder would let an index read any file of the machine."""
    return isinstance(file_name, str) and "/" not in file_name and file_name.endswith(".safetensors")


def check_header_size(real: Path, path: Path) -> None:
    """Refuse a safetensors file whose header is too large to be parsed; `path` is for the message. ModelError."""
    try:
        with real.open("rb") as file:
            length = int.from_bytes(file.read(LENGTH_BYTES), "little")
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    if not 0 < length <= MOST_HEADER_BYTES:
        raise ModelError(f"{path}: corrupt or truncated (a header of {length} bytes); fetch it again")
