"""The row of a page: what one layer caches of one token."""

from dataclasses import dataclass

import torch

from kernels.int8_rows import SCALE_BYTES, SCALED_VALUES


@dataclass(frozen=True)
class PageRow:
    """The row's items and their type. Only the native step reads rows of int8; kernels/cpu/page_row.h has their form.

    `width` counts the items, which are bytes in a row of int8: its codes, and their scales.
    """

    width: int
    dtype: torch.dtype

    @property
    def bytes(self) -> int:
        return self.width * self.dtype.itemsize


def int8_row(values: int) -> PageRow:
    """Return the row of int8 that holds `values` values."""
    return PageRow(values + -(-values // SCALED_VALUES) * SCALE_BYTES, torch.int8)
