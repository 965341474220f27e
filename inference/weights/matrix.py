"""Weight matrices, wide or quantized, on disk and in memory.

    wide  NAME        [N, K]      floating point
    int8  NAME        [N, K]      I8: w = code * scale, a scale for each row
          NAME.scale  [N]         F32
    int4  NAME        [N, K / 2]  U8: w = code * scale + zero for each 32 columns of a row; byte j of such a group
                                  holds the code of column j in its low half and that of column j + 16 in its high one
          NAME.scale  [N, K / 32] BF16
          NAME.zero   [N, K / 32] BF16

Rows are the first dimension of every tensor, so that rows of any form can be chosen and joined.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import torch
from torch import Tensor

Quant = Literal["wide", "int8", "int4"]

GROUP_COLUMNS = 32
INT8_LARGEST = 127
INT4_LARGEST = 15
ROWS_AT_ONCE = 2048
# The values that a product widens at once: with more, the allocator asks the system for new memory every time.
WIDENED_AT_ONCE = 1 << 23


@dataclass(frozen=True)
class Matrix:
    """A matrix in a form. `tensors` are those that stand on disk under NAME and PARTS, in this order."""

    quant: Quant
    tensors: tuple[Tensor, ...]

    def pick_rows(self, order: Tensor) -> "Matrix":
        return Matrix(self.quant, tuple(tensor[order] for tensor in self.tensors))


# The endings of NAME, in the order of Matrix.tensors.
PARTS: dict[Quant, tuple[str, ...]] = {"wide": ("",), "int8": ("", ".scale"), "int4": ("", ".scale", ".zero")}


def part_shapes(quant: Quant, rows: int, columns: int) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of a matrix's tensors."""
    if quant == "wide":
        return ((rows, columns),)
    if quant == "int8":
        return ((rows, columns), (rows,))
    groups = (rows, columns // GROUP_COLUMNS)
    return ((rows, columns // 2), groups, groups)


def join_rows(first: Matrix, others: Iterable[Matrix], rows: int) -> Matrix:
    """Join matrices of one form below one another, `rows` in all; `others` are loaded one by one."""
    if first.tensors[0].shape[0] == rows:
        return first
    joined = Matrix(first.quant, tuple(t.new_empty(rows, *t.shape[1:]) for t in first.tensors))
    start = 0
    for matrix in chain([first], others):
        end = start + matrix.tensors[0].shape[0]
        for target, part in zip(joined.tensors, matrix.tensors, strict=True):
            target[start:end] = part
        start = end
    return joined


def form_of(quant: Quant, at_least: Quant, columns: int) -> Quant:
    """Choose the form of a matrix: not below `at_least`, and no int4 for columns that are no whole number of groups."""
    if quant == "int4" and (at_least == "int8" or columns % GROUP_COLUMNS):
        return "int8"
    return quant


def quantize(weight: Tensor, form: Quant) -> Matrix:
    """Quantize weight [N, K] to a form that it can have. Beside the result, only some rows are held in fp32."""
    if form == "wide":
        return Matrix("wide", (weight,))
    quantize_rows = _quantize_int8 if form == "int8" else _quantize_int4
    parts = map(quantize_rows, torch.split(weight, ROWS_AT_ONCE))
    return join_rows(next(parts), parts, weight.shape[0])


def dequantize(matrix: Matrix, dtype: torch.dtype) -> Tensor:
    """Widen a matrix to [N, K]: the definition of the codes, and slow."""
    if matrix.quant == "wide":
        return matrix.tensors[0].to(dtype)
    if matrix.quant == "int8":
        codes, scale = matrix.tensors
        return (codes.float() * scale[:, None]).to(dtype)
    codes, scale, zero = matrix.tensors
    groups = unpack_int4(codes).view(*scale.shape, GROUP_COLUMNS).float()
    return (groups * scale[..., None].float() + zero[..., None].float()).flatten(1).to(dtype)


def unpack_int4(codes: Tensor) -> Tensor:
    """Unpack [N, K / 2] to codes 0..15, [N, K] uint8."""
    groups = codes.view(codes.shape[0], -1, GROUP_COLUMNS // 2)
    return torch.cat([groups & INT4_LARGEST, groups >> 4], dim=-1).flatten(1)


def _quantize_int8(weight: Tensor) -> Matrix:
    largest = weight.abs().amax(dim=1).float()
    scale = largest.clamp(min=torch.finfo(torch.float32).tiny) / INT8_LARGEST
    codes = (weight.float() / scale[:, None]).round_().to(torch.int8)
    return Matrix("int8", (codes, scale))


def _quantize_int4(weight: Tensor) -> Matrix:
    groups = weight.float().view(weight.shape[0], -1, GROUP_COLUMNS)
    lowest, highest = groups.aminmax(dim=-1)
    scale = (highest - lowest).clamp(min=torch.finfo(torch.float32).tiny) / INT4_LARGEST
    scale, zero = scale.bfloat16(), lowest.bfloat16()
    # The codes are chosen for the rounded scale and zero, so that they make up for that rounding.
    codes = ((groups - zero[..., None].float()) / scale[..., None].float()).round_().clamp_(0, INT4_LARGEST)
    low, high = codes.to(torch.uint8).chunk(2, dim=-1)
    return Matrix("int4", ((low | (high << 4)).flatten(1), scale, zero))
