"""Weight matrices, wide or quantized, on disk and in memory.

    wide  NAME        [N, K]      floating point
    int8  NAME        [N, K]      I8: w = code * scale, a scale for each row
          NAME.scale  [N]         F32
    int4  NAME         [N, K / 2]  U8: codes 0..15 in groups of 32 columns; byte j of a group holds the code of its
                                   column j in the low half and that of column j + 16 in the high one
          NAME.scale   [N, K / 32] U8: w = row[0] * scale * code - row[1] * offset
          NAME.offset  [N, K / 32] U8
          NAME.row     [N, 2]      F32: the units of a row's scales and offsets
    int5  as int4, with codes 0..31 of which NAME holds the low four bits, and
          NAME.high    [N, K / 8]  U8: bit j % 8 of byte j / 8 is the fifth bit of column j's code

The form of a model is wide, int8 or int4; matrices of an int4 model are int4, int5 or int8 (smallest_form.py).
Rows are the first dimension of every tensor, so that rows of any form can be chosen and joined.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import torch
from torch import Tensor

Quant = Literal["wide", "int8", "int5", "int4"]
Grouped = Literal["int5", "int4"]

GROUP_COLUMNS = 32
INT8_LARGEST = 127
INT4_LARGEST = 15
LARGEST_CODE: dict[Grouped, int] = {"int5": 31, "int4": INT4_LARGEST}
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

    def rows(self, first: int, end: int) -> "Matrix":
        """Return views of neighbouring rows."""
        return Matrix(self.quant, tuple(tensor[first:end] for tensor in self.tensors))


# The endings of NAME, in the order of Matrix.tensors.
PARTS: dict[Quant, tuple[str, ...]] = {
    "wide": ("",),
    "int8": ("", ".scale"),
    "int5": ("", ".scale", ".offset", ".row", ".high"),
    "int4": ("", ".scale", ".offset", ".row"),
}
# The types of the tensors of a quantized form.
PART_DTYPES: dict[Quant, tuple[torch.dtype, ...]] = {
    "int8": (torch.int8, torch.float32),
    "int5": (torch.uint8, torch.uint8, torch.uint8, torch.float32, torch.uint8),
    "int4": (torch.uint8, torch.uint8, torch.uint8, torch.float32),
}


def part_shapes(quant: Quant, rows: int, columns: int) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of a matrix's tensors."""
    if quant == "wide":
        return ((rows, columns),)
    if quant == "int8":
        return ((rows, columns), (rows,))
    groups = (rows, columns // GROUP_COLUMNS)
    shapes = ((rows, columns // 2), groups, groups, (rows, 2))
    return (*shapes, (rows, columns // 8)) if quant == "int5" else shapes


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
    """Choose the form of a matrix in a model of a form: not below `at_least`, and int8 for columns without groups."""
    if quant != "int4":
        return quant
    return "int8" if columns % GROUP_COLUMNS else at_least


def dequantize(matrix: Matrix, dtype: torch.dtype) -> Tensor:
    """Widen a matrix to [N, K]: the definition of the codes, and slow."""
    if matrix.quant == "wide":
        return matrix.tensors[0].to(dtype)
    if matrix.quant == "int8":
        codes, scale = matrix.tensors
        return (codes.float() * scale[:, None]).to(dtype)
    groups = unpack_codes(matrix).view(*matrix.tensors[1].shape, GROUP_COLUMNS).float()
    step, lowest = int4_grid(matrix)
    return torch.addcmul(lowest[..., None], groups, step[..., None]).flatten(1).to(dtype)


def int4_grid(matrix: Matrix) -> tuple[Tensor, Tensor]:
    """Compute the distance of two codes and the value of code 0 for each group: both fp32 [N, K / 32]."""
    _, scale, offset, row = matrix.tensors[:4]
    return scale * row[:, :1], offset * -row[:, 1:]


def pack_codes(form: Grouped, codes: Tensor) -> tuple[Tensor, ...]:
    """Pack codes [N, K] uint8 to the tensors that hold them: the low four bits, and for int5 the fifth ones."""
    low = join_halves(codes.view(len(codes), -1, GROUP_COLUMNS) & INT4_LARGEST)
    return (low, join_bits(codes >> 4)) if form == "int5" else (low,)


def unpack_codes(matrix: Matrix) -> Tensor:
    """Unpack the codes of an int4 or int5 matrix, [N, K] uint8."""
    codes = split_halves(matrix.tensors[0])
    return codes | split_bits(matrix.tensors[4]) << 4 if matrix.quant == "int5" else codes


def split_halves(codes: Tensor) -> Tensor:
    """Unpack [N, K / 2] to codes 0..15, [N, K] uint8."""
    groups = codes.view(codes.shape[0], -1, GROUP_COLUMNS // 2)
    return torch.cat([groups & INT4_LARGEST, groups >> 4], dim=-1).flatten(1)


def join_halves(codes: Tensor) -> Tensor:
    """Pack codes 0..15 of groups [N, K / 32, 32] to [N, K / 2] uint8: the inverse of `split_halves`."""
    low, high = codes.to(torch.uint8).chunk(2, dim=-1)
    return (low | (high << 4)).flatten(1)


def split_bits(packed: Tensor) -> Tensor:
    """Unpack [..., K / 8] to bits 0 or 1, [..., K] uint8, the lowest bit first."""
    return (packed[..., None] >> torch.arange(8, dtype=torch.uint8, device=packed.device) & 1).flatten(-2)


def join_bits(bits: Tensor) -> Tensor:
    """Pack bits [..., K] uint8 to [..., K / 8]: the inverse of `split_bits`."""
    eights = bits.reshape(*bits.shape[:-1], -1, 8)
    return (eights << torch.arange(8, dtype=torch.uint8, device=bits.device)).sum(-1, dtype=torch.uint8)
