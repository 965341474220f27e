"""Reads the front of a GGUF file: metadata and the table of tensors, each number checked before it is believed.

The library's own reader believes them: a file of 49 bytes can announce an array of 2^60 values.
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import mmap
import struct
from dataclasses import dataclass
from typing import Any

MAGIC = b"GGUF"
_VERSIONS = (2, 3)
# The largest vocabularies have 0.3 M tokens, each with a type, and as many merges.
_MOST_VALUES = 1 << 21
_MOST_ENTRIES = 1 << 16  # of metadata, and of tensors
_MOST_STRING_BYTES = 1 << 20
_MOST_DIMENSIONS = 4
_DEFAULT_ALIGNMENT = 32
_MOST_ALIGNMENT = 1 << 16
_STRING, _ARRAY = 8, 9
_SCALARS = dict(enumerate(("<B", "<b", "<H", "<h", "<I", "<i", "<f", "<?", "", "", "<Q", "<q", "<d")))


class CorruptFileError(ValueError):
    """A file that is no whole GGUF file, or holds a number that none has."""


@dataclass(frozen=True)
class TensorEntry:
    """A line of the table of tensors. `shape` is as in the file: the fastest dimension first."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int  # from the beginning of the file


def read_front(data: mmap.mmap) -> tuple[dict[str, Any], list[TensorEntry]]:
    """Read the metadata and the table of tensors. Raises CorruptFileError."""
    front = _Front(data)
    if front.take(len(MAGIC)) != MAGIC:
        raise CorruptFileError("it is no GGUF file")
    version, tensor_count, count = front.scalar("<I"), front.scalar("<Q"), front.scalar("<Q")
    if version not in _VERSIONS:
        raise CorruptFileError(f"its version is {version}, and Midspan reads {_VERSIONS[0]} and {_VERSIONS[1]}")
    if max(tensor_count, count) > _MOST_ENTRIES:
        raise CorruptFileError(f"it announces {max(tensor_count, count)} entries")
    metadata = {}
    for _ in range(count):
        key = front.string()
        metadata[key] = front.value(front.scalar("<I"))
    tensors = [_read_entry(front) for _ in range(tensor_count)]
    alignment = metadata.get("general.alignment", _DEFAULT_ALIGNMENT)
    if type(alignment) is not int or not 0 < alignment <= _MOST_ALIGNMENT:
        raise CorruptFileError("its alignment is no size")
    start = front.place + -front.place % alignment
    return metadata, [TensorEntry(t.name, t.shape, t.kind, start + t.offset) for t in tensors]


def _read_entry(front: "_Front") -> TensorEntry:
    name, dimensions = front.string(), front.scalar("<I")
    if not 0 < dimensions <= _MOST_DIMENSIONS:
        raise CorruptFileError(f"{name} has {dimensions} dimensions")
    shape = tuple(front.scalar("<Q") for _ in range(dimensions))
    return TensorEntry(name, shape, front.scalar("<I"), front.scalar("<Q"))


class _Front:
    """The bytes of the file, read from front to back."""

    def __init__(self, data: mmap.mmap) -> None:
        self.place = 0
        self._data = data
        self._left_values = _MOST_VALUES

    def take(self, size: int) -> bytes:
        """Return the next bytes. Raises CorruptFileError beyond the end."""
        end = self.place + size
        if end > len(self._data):
            raise CorruptFileError("it ends within its metadata")
        found = self._data[self.place : end]
        self.place = end
        return found

    def scalar(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def string(self) -> str:
        size: int = self.scalar("<Q")
        if size > _MOST_STRING_BYTES:
            raise CorruptFileError(f"it announces a text of {size} bytes")
        try:
            return self.take(size).decode()
        except UnicodeDecodeError:
            raise CorruptFileError("it holds a text that is no UTF-8") from None

    def value(self, kind: int) -> Any:
        """Return a value of the metadata. Raises CorruptFileError for an unknown kind or an array within an array."""
        if kind == _ARRAY:
            return self._array(self.scalar("<I"), self.scalar("<Q"))
        if kind == _STRING:
            return self.string()
        if not (form := _SCALARS.get(kind)):
            raise CorruptFileError(f"a value is of the unknown kind {kind}")
        return self.scalar(form)

    def _array(self, kind: int, count: int) -> list[Any]:
        self._left_values -= count
        if self._left_values < 0:
            raise CorruptFileError(f"it announces an array of {count} values")
        if kind == _STRING:
            return [self.string() for _ in range(count)]
        if not (form := _SCALARS.get(kind)):
            raise CorruptFileError(f"an array is of the unknown kind {kind}")
        values = self.take(count * struct.calcsize(form))
        return list(struct.unpack(f"<{count}{form[1]}", values))
