"""torch's packed int4 weights for the CPU: products of few rows read the codes, larger ones widen them first.

torch has nothing for codes of five bits: they are the sum of two matrices of four, of which one has the fifth bits.
"""

import functools
import random

import torch
from torch import Tensor

from inference.weights.matrix import (
    GROUP_COLUMNS,
    INT4_LARGEST,
    ROWS_AT_ONCE,
    WIDENED_AT_ONCE,
    Matrix,
    int4_grid,
    join_halves,
    split_bits,
    split_halves,
)
from kernels.few_shapes import pad_rows

# From this number of rows of x on, widening the codes for a bf16 product is faster than the op that reads codes.
WIDEN_FROM_ROWS = 64
# The possible numbers of rows that the op packs together; the processor decides.
ROW_BLOCKS = (64, 32)


class PackedGroups:
    """A matrix in int4 or int5."""

    def __init__(self, matrix: Matrix, dtype: torch.dtype) -> None:
        step, lowest = int4_grid(matrix)
        self._parts = [_PackedInt4(matrix.tensors[0], step, lowest, dtype)]
        if matrix.quant == "int5":
            fifth = split_bits(matrix.tensors[4]).view(*step.shape, GROUP_COLUMNS)
            self._parts.append(_PackedInt4(join_halves(fifth), 16 * step, torch.zeros_like(step), dtype))

    @staticmethod
    def can_hold(matrix: Matrix) -> bool:
        """Return whether the op takes the matrix: it wants whole blocks of 16 rows."""
        return matrix.tensors[0].shape[0] % 16 == 0

    def multiply(self, x: Tensor) -> Tensor:
        """Multiply x [M, K] -> [M, N]."""
        out = self._parts[0].multiply(x)
        for part in self._parts[1:]:
            out += part.multiply(x)
        return out


class _PackedInt4:
    """Codes [N, K / 2] as they lie in a Matrix, with the step and the lowest value of each group [N, K / 32]."""

    def __init__(self, codes: Tensor, step: Tensor, lowest: Tensor, dtype: torch.dtype) -> None:
        rows, columns = codes.shape[0], codes.shape[1] * 2
        self._shape = (rows, columns)
        # The op has its own layout, and computes (code - 8) * step + middle instead of code * step + lowest.
        blocks = [_pack(rows) for rows in torch.split(codes, ROWS_AT_ONCE)]
        self._codes = torch.cat(blocks) if len(blocks) > 1 else blocks[0]
        self._step_middle = torch.stack([step, lowest + 8 * step], dim=-1).transpose(0, 1).contiguous().to(dtype)

    def multiply(self, x: Tensor) -> Tensor:
        block = _row_block()
        rows, columns = self._shape
        if x.shape[0] < WIDEN_FROM_ROWS or block is None or rows % block:
            return torch._weight_int4pack_mm_for_cpu(x.contiguous(), self._codes, GROUP_COLUMNS, self._step_middle)
        step = max(1, WIDENED_AT_ONCE // (columns * block)) * block
        padded = pad_rows(x)
        parts = [padded @ self._widen(first, min(first + step, rows), block) for first in range(0, rows, step)]
        return (parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1))[: x.shape[0]]

    def _widen(self, first: int, end: int, block: int) -> Tensor:
        """Widen some rows, transposed: [K, end - first]. A byte of the op holds two rows, half a block apart."""
        groups, half = self._shape[1] // GROUP_COLUMNS, block // 2
        codes = self._codes[first:end].view(-1, groups, GROUP_COLUMNS, half)
        step, middle = (part.contiguous()[:, None] for part in self._step_middle[:, first:end].unbind(-1))
        wide = step.new_empty(groups, GROUP_COLUMNS, len(codes), 2, half)
        low, high = wide.permute(3, 2, 0, 1, 4)
        low.copy_(codes & INT4_LARGEST)
        high.copy_(codes >> 4)
        wide = wide.view(groups, GROUP_COLUMNS, end - first)
        return torch.addcmul(middle - 8 * step, wide, step).flatten(0, 1)


def _pack(codes: Tensor) -> Tensor:
    """Pack [N, K / 2] from our layout to the op's. Blocks of rows are independent: large matrices go part by part."""
    return torch._convert_weight_to_int4pack_for_cpu(split_halves(codes).int(), 1)


@functools.cache
def _row_block() -> int | None:
    """Find the op's row block on this processor by packing known codes; None: the layout is unknown."""
    known = random.Random(0).choices(range(16), k=128 * GROUP_COLUMNS)
    codes = torch.tensor(known, dtype=torch.int32).view(128, GROUP_COLUMNS)
    packed = torch._convert_weight_to_int4pack_for_cpu(codes, 1).flatten()
    for block in ROW_BLOCKS:
        blocks = codes.view(-1, block, GROUP_COLUMNS).transpose(1, 2)  # [blocks, K, block]
        low, high = blocks.chunk(2, dim=-1)
        if torch.equal((low | (high << 4)).flatten().to(torch.uint8), packed):
            return block
    return None
