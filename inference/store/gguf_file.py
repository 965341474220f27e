"""A GGUF file: its metadata by type and range, and its tensors by rows."""

import math
import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr  # shortens a long value to what fits in a message
from typing import Any

import gguf
import numpy as np
from gguf.quants import QuantError, dequantize
from numpy.typing import NDArray

from inference.model_files import find_file
from inference.store.gguf_metadata import MAGIC, CorruptFileError, TensorEntry, read_front
from inference.store.tensor_stream import BLOCK_VALUES, Float32
from midspan import ModelError
from midspan.visible_text import visible_line

_MOST_VALUES = 1 << 40  # of a tensor
_MOST_NAME_CHARACTERS = 60


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
        return visible_line(str(self.metadata.get("general.architecture", ""))[:_MOST_NAME_CHARACTERS])

    def integer(self, key: str, default: int | None = None) -> int:
        """Return a whole number of the architecture, such as `deepseek2.block_count`. Raises ModelError."""
        value = self.value(key, default)
        if type(value) is not int:
            raise ModelError(f"{self._key(key)} must be a whole number, but is {repr(value)}")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """Return a number of the architecture, rounded to its decimal. Raises ModelError.

        GGUF keeps 1e-06 as the float32 9.999999974752427e-07.
        """
        value = self.value(key, default)
        if type(value) not in (int, float):
            raise ModelError(f"{self._key(key)} must be a number, but is {repr(value)}")
        return float(f"{value:.7g}")

    def word(self, key: str, default: str) -> str:
        """Return a word of the architecture, such as the kind of its rope scaling."""
        return visible_line(str(self.value(key, default)))

    def width(self, key: str) -> int:
        """Return a width that some converters write once for each layer. Raises ModelError."""
        value = self.value(key, None)
        widths = set(value) if isinstance(value, list) else {value}
        if len(widths) != 1 or type(width := widths.pop()) is not int:
            raise ModelError(f"{self._key(key)} must be one whole number, but is {repr(value)}")
        return width

    def token(self, name: str) -> int | None:
        """Return the id of a token such as "bos", None where the file has none. Raises ModelError."""
        token = self.metadata.get(f"tokenizer.ggml.{name}_token_id")
        if token is not None and type(token) is not int:
            raise ModelError(
                f"{self.path}: tokenizer.ggml.{name}_token_id must be a whole number, but is {repr(token)}"
            )
        return token

    def value(self, key: str, default: Any) -> Any:
        """Return a value of the architecture as it is. Raises ModelError when there is no value and no default."""
        value = self.metadata.get(f"{self.architecture}.{key}", default)
        if value is None:
            raise ModelError(
                f"{self.path}: has no {self.architecture}.{key}; convert the model again with a newer llama.cpp"
            )
        return value

    def _key(self, key: str) -> str:
        return f"{self.path}: {self.architecture}.{key}"


def open_gguf(path: Path) -> GgufFile:
    """Read metadata and the table of tensors. Raises ModelError for a file that is truncated, split or no GGUF."""
    real = find_file(path.parent, path.name)
    try:
        with real.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise ModelError(f"{path}: is no GGUF file; import takes a .gguf file or a folder of safetensors")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                metadata, entries = read_front(data)
                tensors = [_tensor(path, entry, len(data)) for entry in entries]
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    except CorruptFileError as error:
        raise ModelError(f"{path}: is truncated or corrupt ({error}); fetch it again") from error
    parts = metadata.get("split.count", 1)
    if parts != 1 and parts != 0:
        raise ModelError(f"{path}: is one of {parts} parts; join them with `llama-gguf-split --merge` first")
    return GgufFile(path, metadata, {tensor.name: tensor for tensor in tensors})


def _tensor(path: Path, entry: TensorEntry, file_bytes: int) -> GgufTensor:
    """Return the tensor. Raises CorruptFileError when it does not lie within the file."""
    try:
        kind = gguf.GGMLQuantizationType(entry.kind)
        block_values, block_bytes = gguf.GGML_QUANT_SIZES[kind]
    except (ValueError, KeyError):
        raise CorruptFileError(f"{entry.name} is of the unknown kind {entry.kind}") from None
    values = math.prod(entry.shape)
    if not 0 < values <= _MOST_VALUES or entry.shape[0] % block_values:
        raise CorruptFileError(f"{entry.name} is of the shape {list(entry.shape)}")
    size_bytes = values // block_values * block_bytes
    if entry.offset + size_bytes > file_bytes:
        raise CorruptFileError(f"it ends inside {entry.name}")
    return GgufTensor(path, entry.name, entry.shape[::-1], kind, entry.offset, size_bytes)


def _unpack(packed: NDArray[np.uint8], kind: gguf.GGMLQuantizationType, path: Path) -> Float32:
    plain = {gguf.GGMLQuantizationType.F32: np.float32, gguf.GGMLQuantizationType.F16: np.float16}
    if kind in plain:
        return packed.view(plain[kind]).astype(np.float32, copy=False)
    try:
        return dequantize(packed, kind).astype(np.float32, copy=False)
    except (NotImplementedError, QuantError) as error:
        raise ModelError(f"{path}: holds {kind.name} weights, which cannot be unpacked; take another file") from error
