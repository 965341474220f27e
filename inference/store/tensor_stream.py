"""Writes weights as a stream of small blocks, so that a conversion holds only one block in memory.

The safetensors format is a length, a JSON header and the raw values, and every shape is known before the first
value is: the file is written from front to back. https://github.com/huggingface/safetensors
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.store.manifest import StoredFile
from inference.weights.progress import Progress
from midspan import ModelError

Float32 = NDArray[np.float32]

BLOCK_VALUES = 1 << 21
_LENGTH_BYTES = 8
_ITEM_BYTES = {"BF16": 2, "F32": 4}
DTYPES = {"bfloat16": "BF16", "float32": "F32"}


@dataclass(frozen=True)
class TensorStream:
    """A tensor under its released name. `blocks` yields its values in row order, whole rows in each block."""

    name: str
    shape: tuple[int, ...]
    blocks: Callable[[], Iterable[Float32]]


def stream_bytes(tensors: Sequence[TensorStream], dtype: str) -> int:
    """Compute the size of the values in the file."""
    return sum(math.prod(tensor.shape) for tensor in tensors) * _ITEM_BYTES[DTYPES[dtype]]


def write_safetensors(path: Path, tensors: Sequence[TensorStream], dtype: str, progress: Progress) -> StoredFile:
    """Write a file. `dtype` is a key of DTYPES. Raises ModelError, OSError."""
    stored = DTYPES[dtype]
    digest, size_bytes = hashlib.sha256(), 0
    with path.open("wb") as file:

        def put(data: bytes) -> None:
            nonlocal size_bytes
            file.write(data)
            digest.update(data)
            size_bytes += len(data)

        put(_header(tensors, stored))
        for tensor in tensors:
            written = 0
            for block in tensor.blocks():
                data = _encode(block, stored, tensor.name)
                put(data)
                progress(len(data))
                written += block.size
            if written != math.prod(tensor.shape):
                raise ModelError(f"{tensor.name}: has {written} values, and its shape is {list(tensor.shape)}")
    return StoredFile(size_bytes, digest.hexdigest())


def _header(tensors: Sequence[TensorStream], stored: str) -> bytes:
    entries: dict[str, Any] = {"__metadata__": {"format": "pt"}}  # transformers wants the format
    offset = 0
    for tensor in tensors:
        end = offset + math.prod(tensor.shape) * _ITEM_BYTES[stored]
        entries[tensor.name] = {"dtype": stored, "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % _LENGTH_BYTES)  # the values begin aligned
    return len(header).to_bytes(_LENGTH_BYTES, "little") + header


def _encode(block: Float32, stored: str, name: str) -> bytes:
    if not np.isfinite(block).all():
        raise ModelError(f"{name}: has values that are not finite; the file is corrupt: fetch it again")
    if stored == "F32":
        return block.astype("<f4", copy=False).tobytes()
    bits = np.ascontiguousarray(block, dtype="<f4").view("<u4")
    # Round half to even, as torch does.
    rounded: NDArray[np.uint16] = ((bits + (0x7FFF + ((bits >> 16) & 1))) >> 16).astype("<u2")
    return rounded.tobytes()
