"""Reads weights from safetensors: one file, or shards with an index. No other file is ever opened as weights."""

import math
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from inference.model_files import INDEX_FILE, find_file
from inference.weights.default_form import DefaultForm
from inference.weights.matrix import PART_DTYPES, PARTS, Matrix, Quant, form_of, part_shapes
from inference.weights.native_layout import UNITS, NativeMatrix
from inference.weights.progress import Progress
from inference.weights.shards import check_header_size, find_shards
from midspan import ModelError
from midspan.visible_text import visible_line

MAX_NAMES_IN_MESSAGE = 5
EARLIER_INT4_PART = ".zero"  # of a form with a scale and a zero in bfloat16 for each group, which is no longer read


class TensorSource(Protocol):
    """The source of a model's tensors while the model is built."""

    @property
    def dtype(self) -> torch.dtype:
        """The type of the activations and of all that is not quantized."""
        ...

    def load(self, name: str, shape: tuple[int, ...]) -> Tensor: ...

    def load_matrix(self, name: str, shape: tuple[int, int], at_least: Quant = "int4") -> Matrix:
        """Load a weight matrix that may be quantized, but not below `at_least`."""
        ...

    def load_rows(self, name: str, shape: tuple[int, int]) -> Matrix:
        """Load a weight matrix that is int8 at least, whose codes lie row by row in every layout."""
        ...


class ShapeRecorder:
    """A source without data: a model built from it tells every name and shape that the model wants."""

    dtype = torch.float32

    def __init__(self, most_tensors: int, source: object) -> None:
        """`load` raises ModelError beyond `most_tensors`, which names the source of the config."""
        self._most_tensors = most_tensors
        self._source = source
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.matrices: dict[str, Quant] = {}  # those that may be quantized: name -> smallest form
        self.row_by_row: set[str] = set()  # those of them that are read by rows

    def load(self, name: str, shape: tuple[int, ...]) -> Tensor:
        if len(self.shapes) > self._most_tensors:
            most = self._most_tensors
            raise ModelError(
                f"{self._source}: the weights do not fit config.json, which asks for more than {most} tensors"
            )
        self.shapes[name] = shape
        return torch.empty(shape, device="meta")

    def load_matrix(self, name: str, shape: tuple[int, int], at_least: Quant = "int4") -> Matrix:
        self.matrices[name] = at_least
        return Matrix("wide", (self.load(name, shape),))

    def load_rows(self, name: str, shape: tuple[int, int]) -> Matrix:
        self.row_by_row.add(name)
        return self.load_matrix(name, shape, at_least="int8")

    def sizes_bytes(self, wide_itemsize: int) -> dict[DefaultForm, int]:
        """Compute the bytes of the model's tensors in each form."""
        quants: tuple[DefaultForm, ...] = ("wide", "int8", "int4")
        return {quant: sum(self._size_bytes(name, quant, wide_itemsize) for name in self.shapes) for quant in quants}

    def _size_bytes(self, name: str, quant: DefaultForm, wide_itemsize: int) -> int:
        values = math.prod(self.shapes[name])
        if name not in self.matrices:
            return values * wide_itemsize
        rows, columns = self.shapes[name]
        form = form_of(quant, self.matrices[name], columns)
        if form == "wide":
            return values * wide_itemsize
        parts = zip(part_shapes(form, rows, columns), PART_DTYPES[form], strict=True)
        return sum(math.prod(shape) * dtype.itemsize for shape, dtype in parts)


class Checkpoint:
    """An open model folder. `load` reads one tensor at a time, so that loading needs little memory but the result."""

    def __init__(self, folder: Path, dtype: torch.dtype, device: torch.device) -> None:
        """Open every shard and read the headers. Raises ModelError; opens only safetensors."""
        self.folder = folder
        self.dtype = dtype
        self.device = device
        self._files: dict[str, Any] = {}  # tensor name -> open safetensors file
        self._shards: dict[Path, Any] = {}  # the same files
        self._stack = ExitStack()
        try:
            for name, promised in find_shards(folder):
                self._open_shard(name, promised)
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> "Checkpoint":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    def _open_shard(self, name: str, promised: set[str] | None) -> None:
        path = self.folder / name
        real = find_file(self.folder, name)
        check_header_size(real, path)
        try:
            file = self._stack.enter_context(safe_open(real, framework="pt", device="cpu"))
        except (SafetensorError, OSError) as error:
            raise ModelError(f"{path}: corrupt or truncated ({error}); fetch it again") from error
        names = set(file.keys())
        if promised is not None and promised != names:
            raise ModelError(
                f"{path}: does not hold what {INDEX_FILE} says: {_some(promised ^ names)}; fetch both again"
            )
        if twice := names & self._files.keys():
            raise ModelError(f"{path}: holds tensors that another shard holds too: {_some(twice)}; fetch both again")
        self._files |= dict.fromkeys(names, file)
        self._shards[real] = file

    def unmap_read(self) -> None:
        """Open the files anew. What was read of them leaves memory as soon as no tensor of it is left."""
        stack = ExitStack()
        shards = {path: stack.enter_context(safe_open(path, framework="pt", device="cpu")) for path in self._shards}
        anew = {id(self._shards[path]): file for path, file in shards.items()}
        self._files = {name: anew[id(file)] for name, file in self._files.items()}
        self._stack.close()
        self._shards, self._stack = shards, stack

    @property
    def tensor_count(self) -> int:
        return len(self._files)

    def require(self, wanted: ShapeRecorder) -> None:
        """Check that the folder holds exactly the wanted tensors. Raises ModelError that names what differs."""
        if any(name + EARLIER_INT4_PART in self._files for name in wanted.matrices):
            raise ModelError(f"{self.folder}: its int4 weights are of an earlier form; import the wide weights again")
        self.require_shapes(self._expand_quantized(wanted))

    def require_shapes(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Check that the folder holds exactly the tensors of these names and shapes, as `require` does."""
        found = {name: self._shape(name) for name in self._files}
        if problems := differences(shapes, found):
            raise ModelError(f"{self.folder}: the weights do not fit config.json: {problems}")

    def _expand_quantized(self, wanted: ShapeRecorder) -> dict[str, tuple[int, ...]]:
        """Return the names and shapes that the folder must hold, given the form in which it stores each matrix."""
        shapes = dict(wanted.shapes)
        for name in wanted.matrices:
            rows, columns = wanted.shapes[name]
            quant = self.stored_quant(name)
            parts = zip(PARTS[quant], part_shapes(quant, rows, columns), strict=True)
            shapes |= {name + part: shape for part, shape in parts}
        return shapes

    def stored_quant(self, name: str) -> Quant:
        """Return the form of a matrix on disk."""
        if name not in self._files:
            return "wide"
        dtype = self._files[name].get_slice(name).get_dtype()
        if dtype == "U8":
            return "int5" if name + PARTS["int5"][-1] in self._files else "int4"
        return "int8" if dtype == "I8" else "wide"

    def stored_form(self, wanted: ShapeRecorder) -> Quant:
        """Return the form of the folder's model: as its smallest matrices have it."""
        forms = {self.stored_quant(name) for name in wanted.matrices}
        return "int4" if forms & {"int4", "int5"} else "int8" if "int8" in forms else "wide"

    def _shape(self, name: str) -> tuple[int, ...]:
        return tuple(self._files[name].get_slice(name).get_shape())

    def load(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """Load a tensor in the checkpoint's dtype and device; the caller owns it. ModelError: it is not finite."""
        tensor = self._read(name)
        if not tensor.is_floating_point():
            raise ModelError(f"{self.folder}: {name} is {tensor.dtype}, not floating point")
        return tensor.to(device=self.device, dtype=self.dtype)

    def load_native(self, name: str, shape: tuple[int, int]) -> NativeMatrix | None:
        """Map a matrix that is stored in the native layout; None: it is stored wide."""
        if name + UNITS not in self._files:
            return None
        return NativeMatrix(self._read(name), self._read(name + UNITS), *shape)

    def load_matrix(self, name: str, shape: tuple[int, int], at_least: Quant = "int4") -> Matrix:
        """Map a matrix as it is stored."""
        stored = self.stored_quant(name)
        if stored == "wide":
            return Matrix("wide", (self.load(name, shape),))
        tensors = (self._read(name + part) for part in PARTS[stored])
        return Matrix(stored, tuple(tensor.to(self.device) for tensor in tensors))

    def load_rows(self, name: str, shape: tuple[int, int]) -> Matrix:
        return self.load_matrix(name, shape, at_least="int8")

    def read_all(self, progress: Progress) -> None:
        """Read every value. Raises ModelError for a tensor with values that are not finite."""
        for name in self._files:
            progress(self._read(name).nbytes)

    def _read(self, name: str) -> Tensor:
        tensor: Tensor = self._files[name].get_tensor(name)
        # 23 GB/s on one core, where isfinite() has 0.5. A NaN makes both ends NaN.
        if tensor.is_floating_point() and tensor.numel() and not all(map(torch.isfinite, torch.aminmax(tensor))):
            raise ModelError(f"{self.folder}: {visible_line(name)} has values that are not finite (NaN or infinity)")
        return tensor


def stored_dtype(folder: Path) -> torch.dtype:
    """Find the dtype of the tensors that are not quantized, by the folder's first norm or embedding."""
    with Checkpoint(folder, torch.float32, torch.device("cpu")) as checkpoint:
        for name, file in checkpoint._files.items():
            dtype: torch.dtype = file.get_slice(name)[:1].dtype
            if dtype.is_floating_point and not name.endswith((".scale", ".row")):
                return dtype
    raise ModelError(f"{folder}: has no floating-point weights; fetch it again")


def differences(wanted: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]) -> str:
    """Return in words how the found tensors differ from the wanted ones, "" when they do not."""
    problems = []
    if missing := wanted.keys() - found.keys():
        problems.append(f"missing {_some(missing)}")
    if extra := found.keys() - wanted.keys():
        problems.append(f"not part of this architecture {_some(extra)}")
    both = wanted.keys() & found.keys()
    if odd := {f"{n} is {list(found[n])} instead of {list(wanted[n])}" for n in both if wanted[n] != found[n]}:
        problems.append(f"wrong shape: {_some(odd)}")
    return "; ".join(problems)


def _some(names: set[str]) -> str:
    listed = sorted(names)
    more = len(listed) - MAX_NAMES_IN_MESSAGE
    text = ", ".join(listed[:MAX_NAMES_IN_MESSAGE])
    return f"{text} and {more} more" if more > 0 else text
