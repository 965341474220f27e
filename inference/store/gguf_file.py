"""Reads GGUF files: metadata, and tensors by rows. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf.quants import QuantError, dequantize
from numpy.typing import NDArray

from inference.store.tensor_stream import BLOCK_VALUES, Float32
from midspan import ModelError

MAGIC = b"GGUF"


class _Reader(gguf.GGUFReader):
    """The library's reader over a plain array.

    A slice of a memmap costs five times the time and twice the memory, and a vocabulary with its merges is 600,000.
    """

    @property  # type: ignore[override]  # an array does all that the library needs of the memmap
    def data(self) -> NDArray[np.uint8]:
        return self._plain

    @data.setter
    def data(self, mapped: NDArray[np.uint8]) -> None:
        self._plain = np.asarray(mapped)


@dataclass(frozen=True)
class GgufTensor:
    """The place, shape and packing of a tensor. The shape is torch's: the slowest dimension first."""

    path: Path
    name: str
    shape: tuple[int, ...]
    kind: gguf.GGMLQuantizationType
    offset: int
    size_bytes: int

    @property
    def columns(self) -> int:
        return self.shape[-1]

    @property
    def rows(self) -> int:
        return math.prod(self.shape[:-1])

    def read(self, start: int, stop: int) -> Float32:
        """Read rows `start` to `stop` of all dimensions but the last, as a matrix."""
        row_bytes = self.size_bytes // self.rows
        packed = np.fromfile(self.path, np.uint8, (stop - start) * row_bytes, offset=self.offset + start * row_bytes)
        if packed.size < (stop - start) * row_bytes:
            raise ModelError(f"{self.path}: ends inside {self.name}; fetch it again")
        return _unpack(packed.reshape(stop - start, row_bytes), self.kind, self.path).reshape(-1, self.columns)

    def blocks(self, start: int, stop: int) -> Iterator[Float32]:
        """Read the same rows in small blocks."""
        step = max(1, BLOCK_VALUES // self.columns)
        for first in range(start, stop, step):
            yield self.read(first, min(first + step, stop))


@dataclass(frozen=True)
class GgufFile:
    path: Path
    metadata: Mapping[str, Any]
    tensors: Mapping[str, GgufTensor]

    @property
    def architecture(self) -> str:
        return str(self.metadata.get("general.architecture", ""))

    def value(self, key: str, default: Any = None) -> Any:
        """Read a value of the architecture, such as `deepseek2.block_count`. ModelError: no value and no default."""
        full_key = f"{self.architecture}.{key}"
        value = self.metadata.get(full_key, default)
        if value is None:
            raise ModelError(f"{self.path}: has no {full_key}; convert the model again with a newer llama.cpp")
        return value


def open_gguf(path: Path) -> GgufFile:
    """Read metadata and the table of tensors. Raises ModelError for a file that is truncated, split or no GGUF."""
    try:
        with path.open("rb") as file:
            magic = file.read(len(MAGIC))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    if magic != MAGIC:
        raise ModelError(f"{path}: is no GGUF file; import takes a .gguf file or a folder of safetensors")
    try:
        reader = _Reader(path)
        metadata = {key: field.contents() for key, field in reader.fields.items()}
    except Exception as error:  # the library raises whatever numpy raises beyond the file's end
        raise ModelError(f"{path}: is truncated or corrupt ({_first_line(error)}); fetch it again") from error
    if metadata.get("split.count", 1) > 1:
        raise ModelError(
            f"{path}: is one of {metadata['split.count']} parts; join them with `llama-gguf-split --merge` first"
        )
    return GgufFile(path, metadata, {tensor.name: _tensor(path, tensor) for tensor in reader.tensors})


def _tensor(path: Path, found: gguf.ReaderTensor) -> GgufTensor:
    shape = tuple(int(size) for size in reversed(found.shape.tolist()))
    return GgufTensor(path, found.name, shape, found.tensor_type, int(found.data_offset), int(found.n_bytes))


def _unpack(packed: NDArray[np.uint8], kind: gguf.GGMLQuantizationType, path: Path) -> Float32:
    plain = {gguf.GGMLQuantizationType.F32: np.float32, gguf.GGMLQuantizationType.F16: np.float16}
    if kind in plain:
        return packed.view(plain[kind]).astype(np.float32, copy=False)
    try:
        return dequantize(packed, kind).astype(np.float32, copy=False)
    except (NotImplementedError, QuantError) as error:
        raise ModelError(f"{path}: holds {kind.name} weights, which cannot be unpacked; take another file") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
