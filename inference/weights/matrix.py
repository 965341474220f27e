"""Weight matrices, wide or quantized, on disk and in memory.

    wide  NAME        [N, K]      floating point
    int8  NAME        [N, K]      I8: w = code * scale, a scale for each row
          NAME.scale  [N]         F32
    int4  NAME         [N, K / 2]  U8: codes 0..15 in groups of 32 columns; byte j of a group holds the code of its
                                   column j in the low half and that of column j + 16 in the high one
          NAME.scale   [N, K / 32] U8: w = row[0] * scale * code - row[1] * offset
          NAME.offset  [N, K / 32] U8
          NAME.row     [N, 2]      F32: the units of a row's scales and offsets

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
UINT8_LARGEST = 255
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
PARTS: dict[Quant, tuple[str, ...]] = {
    "wide": ("",),
    "int8": ("", ".scale"),
    "int4": ("", ".scale", ".offset", ".row"),
}
# The types of the tensors of a quantized form.
PART_DTYPES: dict[Quant, tuple[torch.dtype, ...]] = {
    "int8": (torch.int8, torch.float32),
    "int4": (torch.uint8, torch.uint8, torch.uint8, torch.float32),
}


def part_shapes(quant: Quant, rows: int, columns: int) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of a matrix's tensors."""
    if quant == "wide":
        return ((rows, columns),)
    if quant == "int8":
        return ((rows, columns), (rows,))
    groups = (rows, columns // GROUP_COLUMNS)
    return ((rows, columns // 2), groups, groups, (rows, 2))


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


def dequantize(matrix: Matrix, dtype: torch.dtype) -> Tensor:
    """Widen a matrix to [N, K]: the definition of the codes, and slow."""
    if matrix.quant == "wide":
        return matrix.tensors[0].to(dtype)
    if matrix.quant == "int8":
        codes, scale = matrix.tensors
        return (codes.float() * scale[:, None]).to(dtype)
    groups = split_halves(matrix.tensors[0]).view(*matrix.tensors[1].shape, GROUP_COLUMNS).float()
    step, lowest = int4_grid(matrix)
    return torch.addcmul(lowest[..., None], groups, step[..., None]).flatten(1).to(dtype)


def int4_grid(matrix: Matrix) -> tuple[Tensor, Tensor]:
    """Compute the distance of two codes and the value of code 0 for each group: both fp32 [N, K / 32]."""
    _, scale, offset, row = matrix.tensors
    return scale * row[:, :1], offset * -row[:, 1:]


def split_halves(codes: Tensor) -> Tensor:
    """Unpack [N, K / 2] to codes 0..15, [N, K] uint8."""
    groups = codes.view(codes.shape[0], -1, GROUP_COLUMNS // 2)
    return torch.cat([groups & INT4_LARGEST, groups >> 4], dim=-1).flatten(1)


def join_halves(codes: Tensor) -> Tensor:
    """Pack codes 0..15 of groups [N, K / 32, 32] to [N, K / 2] uint8: the inverse of `split_halves`."""
    low, high = codes.to(torch.uint8).chunk(2, dim=-1)
    return (low | (high << 4)).flatten(1)
