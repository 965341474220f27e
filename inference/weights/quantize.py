"""Quantizes weight matrices, and whole models while they run over a text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from inference.heap import trim_heap
from inference.weights.checkpoint import Checkpoint, ShapeRecorder, TensorSource
from inference.weights.int4_search import Columns, equal_columns, quantize_groups, weigh_columns
from inference.weights.linear import Linear, Part
from inference.weights.matrix import (
    GROUP_COLUMNS,
    INT8_LARGEST,
    ROWS_AT_ONCE,
    Matrix,
    Quant,
    dequantize,
    form_of,
    join_rows,
)
from kernels.few_shapes import linear

CPU = torch.device("cpu")
# Runs a model with the tensors of this source over a text.
RunModel = Callable[[TensorSource], object]
# Takes a tensor of the quantized model, once; one that is not quantized is wide.
Put = Callable[[str, Matrix], object]

_MAPPED_BYTES = 64 << 20


def quantize(weight: Tensor, form: Quant, columns: Sequence[Columns] | None = None) -> Matrix:
    """Quantize weight [N, K] to a form that it can have. Beside the result, only some rows are held in fp32.

    `columns` say what errors cost where the inputs of the product are known; int8 does not ask for it.
    """
    if form == "wide":
        return Matrix("wide", (weight,))
    costs = columns or equal_columns(weight.shape[1])
    rows = torch.split(weight, ROWS_AT_ONCE)
    parts = (_quantize_int8(part) if form == "int8" else quantize_groups(part, form, costs) for part in rows)
    return join_rows(next(parts), parts, weight.shape[0])


def _quantize_int8(weight: Tensor) -> Matrix:
    largest = weight.abs().amax(dim=1).float()
    scale = largest.clamp(min=torch.finfo(torch.float32).tiny) / INT8_LARGEST
    codes = (weight.float() / scale[:, None]).round_().to(torch.int8)
    return Matrix("int8", (codes, scale))


def quantize_model(checkpoint: Checkpoint, wanted: ShapeRecorder, quant: Quant, run: RunModel, put: Put) -> None:
    """Quantize the matrices of a model that are stored wide, and hand each tensor of the result to `put`.

    For int4, `run` calls the model's products once: each of them quantizes its matrices when its inputs are known, and
    gives the outputs of what they have become, so that later layers make up for the errors of earlier ones. A matrix
    that is not reached, such as that of an expert which no token chose, is quantized without inputs.
    """
    source = QuantizingSource(checkpoint, quant, put)
    if quant == "int4" and checkpoint.stored_form(wanted) == "wide":
        run(source)
    for name, shape in wanted.shapes.items():
        if name in source.done:
            continue
        if name in wanted.matrices:
            source.load_matrix(name, (shape[0], shape[1]), wanted.matrices[name])
        else:
            source.load(name, shape)


class QuantizingSource:
    """The source of a model that is quantized while it runs. Only one product's matrices are in memory at a time.

    What the checkpoint maps of its files counts as memory too, and is unmapped after `_MAPPED_BYTES`.
    """

    def __init__(self, checkpoint: Checkpoint, quant: Quant, put: Put) -> None:
        self.dtype = checkpoint.dtype
        self.done: set[str] = set()
        self._checkpoint = checkpoint
        self._quant = quant
        self._put = put
        self._mapped_bytes = 0

    def load(self, name: str, shape: tuple[int, ...]) -> Tensor:
        # A norm that was mapped would keep all in memory that is read through the same mapping.
        tensor = self._checkpoint.load(name, shape).clone()
        self._finish(name, Matrix("wide", (tensor,)))
        return tensor

    def load_matrix(
        self,
        name: str,
        shape: tuple[int, int],
        at_least: Quant = "int4",
        columns: Sequence[Columns] | None = None,
    ) -> Matrix:
        matrix = self._checkpoint.load_matrix(name, shape)
        self._mapped_bytes += sum(tensor.nbytes for tensor in matrix.tensors)
        if matrix.quant == "wide":
            matrix = quantize(matrix.tensors[0], form_of(self._quant, at_least, shape[1]), columns)
        self._finish(name, matrix)
        return matrix

    def load_rows(self, name: str, shape: tuple[int, int]) -> Matrix:
        return self.load_matrix(name, shape, at_least="int8")

    def load_linear(self, parts: Sequence[Part], columns: int) -> Linear:
        return _LateLinear(self, parts, columns)

    def _finish(self, name: str, matrix: Matrix) -> None:
        self.done.add(name)
        if self._mapped_bytes > _MAPPED_BYTES:
            self._checkpoint.unmap_read()
            trim_heap()
            self._mapped_bytes = 0
        self._put(name, matrix)


@dataclass(frozen=True)
class _LateLinear:
    """A product that loads and quantizes its matrices for its first inputs; there are no second ones."""

    source: QuantizingSource
    parts: Sequence[Part]
    columns: int

    def __call__(self, x: Tensor) -> Tensor:
        costs = weigh_columns(x) if self.columns % GROUP_COLUMNS == 0 else None
        rows = [part.rows for part in self.parts]
        outputs = x.new_empty(*x.shape[:-1], sum(rows))  # one part of them at a time is held twice
        for output, part in zip(torch.split(outputs, rows, dim=-1), self.parts, strict=True):
            output.copy_(self._multiply(x, part, costs))
        return outputs

    def _multiply(self, x: Tensor, part: Part, costs: Sequence[Columns] | None) -> Tensor:
        matrix = self.source.load_matrix(part.name + ".weight", (part.rows, self.columns), part.at_least, costs)
        weight = dequantize(matrix, x.dtype)
        bias = self.source.load(part.name + ".bias", (part.rows,)) if part.has_bias else None
        if part.reorder is not None:
            weight, bias = part.reorder(weight), None if bias is None else part.reorder(bias)
        return linear(x, weight, bias)


class TensorsInMemory:
    """A source of tensors that leave it when they are loaded."""

    def __init__(self, dtype: torch.dtype, device: torch.device = CPU) -> None:
        """`device` is where the tensors leave for."""
        self.dtype = dtype
        self._device = device
        self._matrices: dict[str, Matrix] = {}

    def put(self, name: str, matrix: Matrix) -> None:
        self._matrices[name] = matrix

    def load(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return self._matrices.pop(name).tensors[0].to(self._device)

    def load_matrix(self, name: str, shape: tuple[int, int], at_least: Quant = "int4") -> Matrix:
        matrix = self._matrices.pop(name)
        return Matrix(matrix.quant, tuple(tensor.to(self._device) for tensor in matrix.tensors))

    def load_rows(self, name: str, shape: tuple[int, int]) -> Matrix:
        return self.load_matrix(name, shape, at_least="int8")

    def load_native(self, name: str, shape: tuple[int, int]) -> None:
        """Say that no matrix lies in the native layout."""


def quantize_in_memory(
    checkpoint: Checkpoint, wanted: ShapeRecorder, quant: Quant, run: RunModel, device: torch.device = CPU
) -> TensorsInMemory:
    """Quantize a model on the CPU where no copy can be kept, for a device."""
    tensors = TensorsInMemory(checkpoint.dtype, device)
    quantize_model(checkpoint, wanted, quant, run, tensors.put)
    return tensors
