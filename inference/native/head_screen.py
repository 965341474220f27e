"""The upper four bits of a head's codes: half of its bytes say which tokens may be the likeliest."""

import torch
from torch import Tensor

from inference.heap import use_large_pages
from inference.native.source import Weights
from inference.weights.matrix import GROUP_COLUMNS
from kernels.cpu.plan import Form

_BLOCKS_AT_ONCE = 256  # few enough that what is between them stays in the caches


class HeadScreen:
    """The screen of a head in int8, once it is made."""

    def __init__(self, head: Weights) -> None:
        self._head = head
        self._bits: Tensor | None = None

    @property
    def address(self) -> int | None:
        """The address of the screen; None before it is made, and for ever where the head is not in int8."""
        return None if self._bits is None else self._bits.data_ptr()

    def make(self) -> bool:
        """Make the screen; return False where that is done or the head is not in int8. One of 136 MB takes 0.15 s.

        The engine's thread does it: a thread beside it that uses torch aborts a process that ends meanwhile.
        """
        if self._bits is not None or self._head.form != Form.INT8:
            return False
        self._bits = upper_bits(self._head.codes)
        return True


def upper_bits(codes: Tensor) -> Tensor:
    """Return the upper four bits of codes of int8, which lie as native_layout.py says.

    codes [N16 / 16, K64 / 4, 16, 4] -> [N16 / 16, K64 / 32, 4, 64] uint8: a byte has in its low half the bits of a row
    and column, and in its high half those of the same row, 16 columns on.
    """
    blocks, quads = codes.shape[:2]
    groups = quads * 4 // GROUP_COLUMNS
    bits = torch.empty((blocks, groups, 4, 64), dtype=torch.uint8)
    use_large_pages(bits.data_ptr(), bits.nbytes)
    halves = codes.view(blocks, groups, 2, 4, 64)
    parts = zip(torch.split(halves, _BLOCKS_AT_ONCE), torch.split(bits, _BLOCKS_AT_ONCE), strict=True)
    for of_codes, of_bits in parts:
        torch.bitwise_right_shift(of_codes[:, :, 0], 4, out=of_bits)
        of_bits |= of_codes[:, :, 1] & 0xF0
    return bits
