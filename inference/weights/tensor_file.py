"""Writes a safetensors file tensor by tensor, so that a model's tensors are never in memory together.

A safetensors file is a length, a JSON header and the raw values: https://github.com/huggingface/safetensors
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import torch
from torch import Tensor

_LENGTH_BYTES = 8
_STORED = {
    torch.float32: "F32",
    torch.bfloat16: "BF16",
    torch.float16: "F16",
    torch.int8: "I8",
    torch.uint8: "U8",
}


@dataclass(frozen=True)
class Entry:
    """A tensor of the file, before its values are written."""

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype

    @property
    def size_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


class TensorFile:
    """A file that is being written, and whole once every entry has been put."""

    def __init__(self, file: BinaryIO, entries: Sequence[Entry]) -> None:
        """Write the header. Wider types come first, so that each tensor is aligned for mapping."""
        self._file = file
        self._places: dict[str, tuple[Entry, int]] = {}
        header: dict[str, object] = {"__metadata__": {"format": "pt"}}  # transformers wants the format
        end = 0
        for entry in sorted(entries, key=lambda entry: -entry.dtype.itemsize):
            start, end = end, end + entry.size_bytes
            self._places[entry.name] = (entry, start)
            offsets = [start, end]
            header[entry.name] = {
                "dtype": _STORED[entry.dtype],
                "shape": list(entry.shape),
                "data_offsets": offsets,
            }
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % _LENGTH_BYTES)  # the values begin aligned
        file.write(len(text).to_bytes(_LENGTH_BYTES, "little") + text)
        self._values_at = _LENGTH_BYTES + len(text)
        file.truncate(self._values_at + end)

    def put(self, name: str, tensor: Tensor) -> None:
        """Write the values of an entry. Raises ValueError when their shape or type is not the entry's."""
        entry, start = self._places.pop(name)
        if (tuple(tensor.shape), tensor.dtype) != (entry.shape, entry.dtype):
            raise ValueError(f"{name} is {tensor.dtype} {list(tensor.shape)}, and the header says {entry}")
        self._file.seek(self._values_at + start)
        self._file.write(tensor.cpu().contiguous().flatten().view(torch.uint8).numpy().data)
