"""Reads the header of a safetensors file. https://github.com/huggingface/safetensors"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from midspan import ModelError

MAX_HEADER_BYTES = 100_000_000  # the reference implementation's own limit
LENGTH_BYTES = 8
# I8 and U8 are the codes of quantized matrices.
DTYPES = ("BF16", "F16", "F32", "I8", "U8")


@dataclass(frozen=True)
class StoredTensor:
    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return math.prod(self.shape)


def read_header(path: Path) -> dict[str, StoredTensor]:
    """Read every tensor's type and shape by its name. Raises ModelError for a corrupt or truncated file."""
    try:
        with path.open("rb") as file:
            entries, end = _parse(file)
            size_bytes = file.seek(0, 2)
        entries.pop("__metadata__", None)
        end += max((entry["data_offsets"][1] for entry in entries.values()), default=0)
        tensors = {name: StoredTensor(entry["dtype"], tuple(entry["shape"])) for name, entry in entries.items()}
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ModelError(f"{path}: is corrupt or no safetensors file; fetch it again") from error
    if size_bytes != end:
        raise ModelError(f"{path}: is {size_bytes} bytes and should be {end}; it is truncated: fetch it again")
    for name, tensor in tensors.items():
        if tensor.dtype not in DTYPES:
            raise ModelError(f"{path}: {name} is {tensor.dtype}; Midspan imports bf16, fp16 and fp32 weights")
    return tensors


def _parse(file: BinaryIO) -> tuple[dict[str, Any], int]:
    """Parse the header, and return also the offset of the values."""
    length = int.from_bytes(file.read(LENGTH_BYTES), "little")
    if not 0 < length <= MAX_HEADER_BYTES:
        raise ValueError("no header")
    entries = json.loads(file.read(length))
    if not isinstance(entries, dict):
        raise ValueError("no object")
    return entries, LENGTH_BYTES + length
