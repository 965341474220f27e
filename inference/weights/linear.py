"""Multiplies x @ W.T + bias for a matrix in any form. The reference of each fast path is `dequantize` and F.linear."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional as F

from inference.weights.checkpoint import TensorSource
from inference.weights.matrix import WIDENED_AT_ONCE, Matrix, Quant, dequantize, join_rows
from inference.weights.packed_int4 import PackedGroups
from inference.weights.smallest_form import embedding_form
from kernels.few_shapes import linear
from kernels.packed_linear import packed_linear
from kernels.packed_weights import pack_weights

# From this number of rows of x on, widening the codes for a wide product is faster than the op that reads codes.
INT8_WIDEN_FROM_ROWS = 24
# Rows whose length is no multiple of this make torch's int8 op read past their end.
INT8_OP_COLUMNS = 16


class Linear(Protocol):
    def __call__(self, x: Tensor) -> Tensor:
        """Multiply x [M, K] -> [M, N] in x's dtype."""
        ...


class WideLinear:
    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self.weight = weight  # [N, K]
        self.bias = bias

    def __call__(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)


class Int8Linear:
    """A product with int8 codes, which applies the scale of each row afterwards and so reads only the codes."""

    def __init__(self, matrix: Matrix, bias: Tensor | None, dtype: torch.dtype) -> None:
        self._codes, scale = matrix.tensors  # [N, K] int8
        self._scale = scale.to(dtype)
        self._bias = bias
        self._has_op = self._codes.is_cpu and self._codes.shape[1] % INT8_OP_COLUMNS == 0

    def __call__(self, x: Tensor) -> Tensor:
        if self._has_op and x.shape[0] < INT8_WIDEN_FROM_ROWS:
            out = torch._weight_int8pack_mm(x.contiguous(), self._codes, self._scale)
        else:
            step = max(1, WIDENED_AT_ONCE // self._codes.shape[1])
            parts = [linear(x, codes.to(x.dtype)) for codes in torch.split(self._codes, step)]
            out = (parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)).mul_(self._scale)
        return out if self._bias is None else out.add_(self._bias)


class GroupsLinear:
    """A product with int4 or int5 codes."""

    def __init__(self, matrix: Matrix, bias: Tensor | None, dtype: torch.dtype) -> None:
        self._packed = PackedGroups(matrix, dtype)
        self._bias = bias

    def __call__(self, x: Tensor) -> Tensor:
        out = self._packed.multiply(x)
        return out if self._bias is None else out.add_(self._bias)


class PackedLinear:
    """A product with quantized codes on a GPU, which reads them in the layout of its kernels."""

    def __init__(self, matrix: Matrix, bias: Tensor | None) -> None:
        self._weights = pack_weights(matrix.quant, matrix.tensors)
        self._bias = bias

    def __call__(self, x: Tensor) -> Tensor:
        return packed_linear(x, self._weights, self._bias)


class ReferenceLinear:
    """The reference product with a quantized matrix: it widens the whole matrix for each product."""

    def __init__(self, matrix: Matrix, bias: Tensor | None = None) -> None:
        self._matrix = matrix
        self._bias = bias

    def __call__(self, x: Tensor) -> Tensor:
        return F.linear(x, dequantize(self._matrix, x.dtype), self._bias)


class SideBySide:
    """Several products of one x: of matrices in different forms, or of int8 codes, which joining would copy."""

    def __init__(self, parts: Sequence[Linear]) -> None:
        self._parts = parts

    def __call__(self, x: Tensor) -> Tensor:
        return torch.cat([part(x) for part in self._parts], dim=-1)


def reads_packed(weight: Tensor) -> bool:
    """Return whether the products with a weight read the layout of the GPU's kernels."""
    return weight.device.type not in ("cpu", "meta")


def make_linear(matrix: Matrix, bias: Tensor | None, dtype: torch.dtype) -> Linear:
    """Choose the fastest product with a matrix on its device; `dtype` is that of the activations."""
    if matrix.quant == "wide":
        return WideLinear(matrix.tensors[0], bias)
    if reads_packed(matrix.tensors[0]):
        return PackedLinear(matrix, bias)
    if matrix.quant == "int8":
        return Int8Linear(matrix, bias, dtype)
    if PackedGroups.can_hold(matrix):
        return GroupsLinear(matrix, bias, dtype)
    return ReferenceLinear(matrix, bias)


@dataclass(frozen=True)
class Part:
    """A matrix of the checkpoint: `name` + ".weight", and ".bias" if it has one; `reorder` moves the rows of a tensor.

    `at_least` is its smallest form.

    `reorder` uses views and copies only. On ShapeRecorder's tensors without data, an index or torch.cat would make
    torch import its compiler, which takes seconds and 100 MB for good.
    """

    name: str
    rows: int
    has_bias: bool = False
    at_least: Quant = "int4"  # the smallest form that it may have
    reorder: Callable[[Tensor], Tensor] | None = None


@runtime_checkable
class LinearSource(Protocol):
    """A source of tensors that makes the products itself."""

    def load_linear(self, parts: Sequence[Part], columns: int) -> Linear: ...


def load_linear(source: TensorSource, parts: Sequence[Part], columns: int) -> Linear:
    """Load one product for several matrices below one another. Only one of them is in memory beside the result."""
    if isinstance(source, LinearSource):
        return source.load_linear(parts, columns)
    biases = [_load_bias(source, part) for part in parts]
    rows = sum(part.rows for part in parts)
    matrices = (_load_matrix(source, part, columns) for part in parts)
    first = next(matrices)
    if first.quant != "wide":
        codes = [first, *matrices]  # mapped, on the CPU
        joined_forms = [{"int5"}, {"int4"}, *([{"int8"}] if reads_packed(first.tensors[0]) else [])]
        if len(codes) > 1 and {matrix.quant for matrix in codes} not in joined_forms:
            linears = (make_linear(matrix, bias, source.dtype) for matrix, bias in zip(codes, biases, strict=True))
            return SideBySide(list(linears))
        joined = join_rows(first, codes[1:], rows)
    else:
        joined = join_rows(first, matrices, rows)
    return make_linear(joined, _join_biases(biases, rows), source.dtype)


def _join_biases(biases: Sequence[Tensor | None], rows: int) -> Tensor | None:
    """Join the biases below one another: all parts have one, or no part has."""
    matrices = [Matrix("wide", (bias,)) for bias in biases if bias is not None]
    return join_rows(matrices[0], matrices[1:], rows).tensors[0] if matrices else None


def _load_matrix(source: TensorSource, part: Part, columns: int) -> Matrix:
    matrix = source.load_matrix(part.name + ".weight", (part.rows, columns), part.at_least)
    return matrix if part.reorder is None else Matrix(matrix.quant, tuple(map(part.reorder, matrix.tensors)))


def _load_bias(source: TensorSource, part: Part) -> Tensor | None:
    if not part.has_bias:
        return None
    bias = source.load(part.name + ".bias", (part.rows,))
    return bias if part.reorder is None else part.reorder(bias)


class Embedding:
    """The rows of the tokens, which are the head of some models too."""

    def __init__(self, source: TensorSource, name: str, shape: tuple[int, int], is_head: bool) -> None:
        self._matrix = source.load_matrix(name, shape, embedding_form(shape[1], is_head))
        self._dtype = source.dtype

    def make_head(self) -> Linear:
        """Make the head of a model whose embedding is its head."""
        return make_linear(self._matrix, None, self._dtype)

    def __call__(self, tokens: Tensor) -> Tensor:
        """Look up the rows: tokens [T] -> [T, hidden]."""
        return dequantize(self._matrix.pick_rows(tokens), self._dtype)


def load_head(source: TensorSource, name: str, shape: tuple[int, int]) -> Linear:
    """Load the output head: at least int8, because its errors reach the logits directly."""
    return make_linear(source.load_matrix(name, shape, at_least="int8"), None, source.dtype)
