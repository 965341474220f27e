"""Reads weights from safetensors: one file, or shards with an index. No other file is ever opened as weights."""

import json
import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from inference.weights.matrix import GROUP_COLUMNS, PARTS, Matrix, Quant, form_of, part_shapes, quantize
from midspan import ModelError

SINGLE_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
MAX_NAMES_IN_MESSAGE = 5
# safetensors' names of the types that codes are stored in
STORED_QUANT: dict[str, Quant] = {"I8": "int8", "U8": "int4"}


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


class ShapeRecorder:
    """A source without data: a model built from it tells every name and shape that the model wants."""

    dtype = torch.float32

    def __init__(self) -> None:
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.matrices: dict[str, Quant] = {}  # those that may be quantized: name -> smallest form

    def load(self, name: str, shape: tuple[int, ...]) -> Tensor:
        self.shapes[name] = shape
        return torch.empty(shape, device="meta")

    def load_matrix(self, name: str, shape: tuple[int, int], at_least: Quant = "int4") -> Matrix:
        self.matrices[name] = at_least
        return Matrix("wide", (self.load(name, shape),))

    def sizes_bytes(self, wide_itemsize: int) -> dict[Quant, int]:
        """Compute the bytes of the model's tensors in each form."""
        quants: tuple[Quant, ...] = ("wide", "int8", "int4")
        return {quant: sum(self._size_bytes(name, quant, wide_itemsize) for name in self.shapes) for quant in quants}

    def _size_bytes(self, name: str, quant: Quant, wide_itemsize: int) -> int:
        values = math.prod(self.shapes[name])
        if name not in self.matrices:
            return values * wide_itemsize
        rows, columns = self.shapes[name]
        form = form_of(quant, self.matrices[name], columns)
        return {
            "wide": values * wide_itemsize,
            "int8": values + 4 * rows,
            "int4": values // 2 + 4 * values // GROUP_COLUMNS,
        }[form]


class Checkpoint:
    """An open model folder. `load` reads one tensor at a time, so that loading needs little memory but the result."""

    def __init__(self, folder: Path, dtype: torch.dtype, device: torch.device, quant: Quant = "wide") -> None:
        """Open every shard and read the headers. Raises ModelError; opens only safetensors.

        Wide matrices become `quant` while they are read; matrices that are stored quantized stay as they are.
        """
        self.folder = folder
        self.quant = quant
        self.dtype = dtype
        self.device = device
        self._files: dict[str, Any] = {}  # tensor name -> open safetensors file
        self._stack = ExitStack()
        try:
            for path, promised in _shards(folder):
                self._open_shard(path, promised)
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> "Checkpoint":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    def _open_shard(self, path: Path, promised: set[str] | None) -> None:
        try:
            file = self._stack.enter_context(safe_open(path, framework="pt", device="cpu"))
        except FileNotFoundError:
            raise ModelError(f"{path}: missing; the index names it: fetch it again") from None
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

    def require(self, wanted: ShapeRecorder) -> None:
        """Check that the folder holds exactly the wanted tensors. Raises ModelError that names what differs."""
        shapes = self._expand_quantized(wanted)
        problems = []
        if missing := shapes.keys() - self._files.keys():
            problems.append(f"missing {_some(missing)}")
        if extra := self._files.keys() - shapes.keys():
            problems.append(f"not part of this architecture {_some(extra)}")
        misshapen = {
            f"{name} is {found} instead of {list(shape)}"
            for name, shape in shapes.items()
            if name in self._files and (found := self._shape(name)) != list(shape)
        }
        if misshapen:
            problems.append(f"wrong shape: {_some(misshapen)}")
        if problems:
            raise ModelError(f"{self.folder}: the weights do not fit config.json: {'; '.join(problems)}")

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
        return STORED_QUANT.get(self._files[name].get_slice(name).get_dtype(), "wide")

    def stored_form(self, wanted: ShapeRecorder) -> Quant:
        """Return the smallest form of the folder's matrices: those that must be precise stay wider."""
        forms = {self.stored_quant(name) for name in wanted.matrices}
        return "int4" if "int4" in forms else "int8" if "int8" in forms else "wide"

    def _shape(self, name: str) -> list[int]:
        return list(self._files[name].get_slice(name).get_shape())

    def load(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """Load a tensor in the checkpoint's dtype and device; the caller owns it."""
        tensor: Tensor = self._files[name].get_tensor(name)
        if not tensor.is_floating_point():
            raise ModelError(f"{self.folder}: {name} is {tensor.dtype}, not floating point")
        return tensor.to(device=self.device, dtype=self.dtype)

    def load_matrix(self, name: str, shape: tuple[int, int], at_least: Quant = "int4") -> Matrix:
        """Map a matrix as it is stored; or quantize one that is stored wide, when the checkpoint has a `quant`."""
        stored = self.stored_quant(name)
        if stored == "wide":
            return quantize(self.load(name, shape), form_of(self.quant, at_least, shape[1]))
        tensors = (self._files[name + part].get_tensor(name + part) for part in PARTS[stored])
        return Matrix(stored, tuple(tensor.to(self.device) for tensor in tensors))


def stored_dtype(folder: Path) -> torch.dtype:
    """Find the dtype of the tensors that are not quantized, by the folder's first norm or embedding."""
    with Checkpoint(folder, torch.float32, torch.device("cpu")) as checkpoint:
        for name, file in checkpoint._files.items():
            dtype: torch.dtype = file.get_slice(name)[:1].dtype
            if dtype.is_floating_point and not name.endswith((".scale", ".zero")):
                return dtype
    raise ModelError(f"{folder}: has no floating-point weights; fetch it again")


def _shards(folder: Path) -> Iterator[tuple[Path, set[str] | None]]:
    """List each safetensors file with the names that the index promises for it (None: no index)."""
    index_path = folder / INDEX_FILE
    if (folder / SINGLE_FILE).exists() and not index_path.exists():
        yield folder / SINGLE_FILE, None
        return
    if not index_path.exists():
        pickles = sorted(p.name for p in folder.iterdir() if p.suffix in PICKLE_SUFFIXES)
        if pickles:
            raise ModelError(
                f"{folder}: holds weights as pickle ({pickles[0]}), which can run code; "
                f"Midspan reads safetensors only: convert it, or fetch the safetensors files"
            )
        raise ModelError(f"{folder}: has no {SINGLE_FILE} and no {INDEX_FILE}; fetch the weights")
    promised: dict[str, set[str]] = {}
    for name, file_name in _weight_map(index_path).items():
        promised.setdefault(file_name, set()).add(name)
    for file_name, names in sorted(promised.items()):
        yield folder / file_name, names


def _weight_map(index_path: Path) -> dict[str, str]:
    try:
        weight_map = json.loads(index_path.read_text(encoding="utf-8"))["weight_map"]
        entries = {str(name): str(file_name) for name, file_name in weight_map.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{index_path}: cannot be read ({error!r}); fetch it again") from error
    # A shard outside the folder would let an index read any file of the machine.
    if outside := [f for f in entries.values() if Path(f).name != f or not f.endswith(".safetensors")]:
        raise ModelError(f"{index_path}: names {outside[0]!r}, which is no safetensors file beside it; fetch it again")
    return entries


def _some(names: set[str]) -> str:
    listed = sorted(names)
    more = len(listed) - MAX_NAMES_IN_MESSAGE
    text = ", ".join(listed[:MAX_NAMES_IN_MESSAGE])
    return f"{text} and {more} more" if more > 0 else text
