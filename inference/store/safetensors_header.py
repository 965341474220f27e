"""Reads the header of a safetensors file. https://github.com/huggingface/safetensors"""

import math
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr  # shortens a long value to what fits in a message
from typing import Any, TypeGuard

from inference.model_files import find_file, parse_json
from inference.weights.shards import LENGTH_BYTES, check_header_size
from midspan import ModelError
from midspan.visible_text import visible_line

_ENTRY = ("dtype", "shape", "data_offsets")
_MOST_DIMENSIONS = 8
_MOST_BYTES = 1 << 50
_MOST_NAME_CHARACTERS = 100
# I8 and U8 are the codes of quantized matrices.
DTYPES = ("BF16", "F16", "F32", "I8", "U8")


@dataclass(frozen=True)
class StoredTensor:
    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return math.prod(self.shape)


def read_header(folder: Path, name: str) -> dict[str, StoredTensor]:
    """Read every tensor's type and shape by its name. Raises ModelError for a corrupt or truncated file."""
    path, real = folder / name, find_file(folder, name)
    check_header_size(real, path)
    try:
        with real.open("rb") as file:
            length = int.from_bytes(file.read(LENGTH_BYTES), "little")
            entries = parse_json(file.read(length), path)
            size_bytes = file.seek(0, 2)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    entries.pop("__metadata__", None)
    tensors, ends = {}, [0]
    for tensor, entry in entries.items():
        tensors[tensor], end = _read_entry(entry, f"{path}: {visible_line(tensor)[:_MOST_NAME_CHARACTERS]}")
        ends.append(end)
    end = LENGTH_BYTES + length + max(ends)
    if size_bytes != end:
        raise ModelError(f"{path}: is {size_bytes} bytes and should be {end}; it is truncated: fetch it again")
    return tensors


def _read_entry(entry: Any, where: str) -> tuple[StoredTensor, int]:
    """Return a tensor, and where its values end."""
    dtype, shape, offsets = (entry.get(key) if isinstance(entry, dict) else None for key in _ENTRY)
    if dtype not in DTYPES:
        raise ModelError(f"{where} is {repr(dtype)}; Midspan imports bf16, fp16 and fp32 weights")
    if not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != len(("begin", "end")):
        raise ModelError(f"{where} has no shape and place that a file can have; it is corrupt: fetch it again")
    return StoredTensor(dtype, tuple(shape)), offsets[1]


def _are_sizes(value: Any) -> TypeGuard[list[int]]:
    is_short = isinstance(value, list) and len(value) <= _MOST_DIMENSIONS
    return is_short and all(type(size) is int and 0 <= size <= _MOST_BYTES for size in value)
