"""torch's packed int4 weights for the CPU: products of few rows read the codes, others widen them first."""

import functools

import torch
from torch import Tensor

from inference.weights.matrix import GROUP_COLUMNS, INT4_LARGEST, ROWS_AT_ONCE, WIDENED_AT_ONCE, Matrix, unpack_int4

# From so many rows of x on, widening the codes and a bf16 product are faster than the op that reads codes.
WIDEN_FROM_ROWS = 64
# Rows of the matrix that the op packs together; which one depends on the processor.
ROW_BLOCKS = (64, 32)


class PackedInt4:
    def __init__(self, matrix: Matrix, dtype: torch.dtype) -> None:
        codes, scale, zero = matrix.tensors
        rows, columns = codes.shape[0], codes.shape[1] * 2
        self._shape = (rows, columns)
        # The op's own layout, and (code - 8) * scale + zero instead of code * scale + zero.
        blocks = [_pack(rows) for rows in torch.split(codes, ROWS_AT_ONCE)]
        self._codes = torch.cat(blocks) if len(blocks) > 1 else blocks[0]
        middle = zero.float() + 8 * scale.float()
        self._scale_zero = torch.stack([scale.float(), middle], dim=-1).transpose(0, 1).contiguous().to(dtype)

    @staticmethod
    def can_hold(matrix: Matrix) -> bool:
        """The op takes whole blocks of 16 rows."""
        return matrix.tensors[0].shape[0] % 16 == 0

    def multiply(self, x: Tensor) -> Tensor:
        """x [M, K] -> [M, N]."""
        block = _row_block()
        rows, columns = self._shape
        if x.shape[0] < WIDEN_FROM_ROWS or block is None or rows % block:
            return torch._weight_int4pack_mm_for_cpu(x.contiguous(), self._codes, GROUP_COLUMNS, self._scale_zero)
        step = max(1, WIDENED_AT_ONCE // (columns * block)) * block
        parts = [x @ self._widen(first, min(first + step, rows), block) for first in range(0, rows, step)]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)

    def _widen(self, first: int, end: int, block: int) -> Tensor:
        """[K, end - first]: some rows, transposed; in the op's layout a byte holds two rows, half a block apart."""
        groups, half = self._shape[1] // GROUP_COLUMNS, block // 2
        codes = self._codes[first:end].view(-1, groups, GROUP_COLUMNS, half)
        scale, middle = (part.contiguous()[:, None] for part in self._scale_zero[:, first:end].unbind(-1))
        wide = scale.new_empty(groups, GROUP_COLUMNS, len(codes), 2, half)
        low, high = wide.permute(3, 2, 0, 1, 4)
        low.copy_(codes & INT4_LARGEST)
        high.copy_(codes >> 4)
        wide = wide.view(groups, GROUP_COLUMNS, end - first)
        return torch.addcmul(middle - 8 * scale, wide, scale).flatten(0, 1)


def _pack(codes: Tensor) -> Tensor:
    """[N, K / 2] from our layout to the op's; rows are taken in blocks, so that large matrices can go part by part."""
    return torch._convert_weight_to_int4pack_for_cpu(unpack_int4(codes).int(), 1)


@functools.cache
def _row_block() -> int | None:
    """The op's row block on this processor, found by packing known codes; None: a layout that is not known."""
    codes = torch.randint(0, 16, (128, GROUP_COLUMNS), generator=torch.Generator().manual_seed(0), dtype=torch.int32)
    packed = torch._convert_weight_to_int4pack_for_cpu(codes, 1).flatten()
    for block in ROW_BLOCKS:
        blocks = codes.view(-1, block, GROUP_COLUMNS).transpose(1, 2)  # [blocks, K, block]
        low, high = blocks.chunk(2, dim=-1)
        if torch.equal((low | (high << 4)).flatten().to(torch.uint8), packed):
            return block
    return None
