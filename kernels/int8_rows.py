"""Rows of int8 pages, as kernels/cpu/page_row.h describes them: the codes, then a bf16 scale for each 16 values."""

import torch
from torch.nn import functional as F

from kernels.triton_import import jit, tl

SCALED_VALUES = 16
SCALE_BYTES = 2


def encode(rows: torch.Tensor) -> torch.Tensor:
    """Round rows [..., W] to codes -> int8 [..., W + 2 * ceil(W / 16)]. A NaN makes a scale NaN, and codes 127."""
    width = rows.shape[-1]
    padded = F.pad(rows.float(), (0, -width % SCALED_VALUES))
    groups = padded.view(*rows.shape[:-1], -1, SCALED_VALUES)
    scales = (groups.abs().amax(dim=-1) / 127).bfloat16()
    steps = groups / scales.float()[..., None]
    codes = torch.where(scales[..., None] > 0, steps, torch.where(scales.isnan()[..., None], 127.0, 0.0))
    codes = codes.round().clamp(-127, 127).to(torch.int8).flatten(-2)[..., :width]
    return torch.cat([codes, scales.view(torch.int8)], dim=-1)


def decode(rows: torch.Tensor, width: int) -> torch.Tensor:
    """Return the `width` values of int8 rows in fp32."""
    return rows[..., :width].float() * scales_of(rows, width)


def scales_of(rows: torch.Tensor, width: int) -> torch.Tensor:
    """Return the scale of each value of int8 rows -> [..., width]."""
    scales = rows[..., width:].clone(memory_format=torch.contiguous_format).view(torch.bfloat16).float()
    return scales.repeat_interleave(SCALED_VALUES, dim=-1)[..., :width]


def scales_view(pages: torch.Tensor, part: int) -> torch.Tensor:
    """View int8 pages [P, S, bytes] as bf16, for kernels that load scales; parts of a row begin after `part` values."""
    if part % SCALED_VALUES:
        raise ValueError(f"int8 pages on a GPU hold whole groups of {SCALED_VALUES} values, not {part}")
    return pages.view(torch.bfloat16)


@jit
def load_values(  # type: ignore[no-untyped-def]  # Triton types the arguments at launch
    row, scales, first, width, known,
    COMPUTE: tl.constexpr, CODED: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """Load values [ROWS, WIDTH] from `first` on of the rows at row [ROWS, 1]; others than `width` and `known` are 0.

    Where the rows are CODED, `scales` [ROWS, 1] points at their scales, and `first` begins a group. A code times a
    scale is rounded once in bf16 too: both are exact there.
    """
    column = tl.arange(0, WIDTH)[None, :]
    values = tl.load(row + first + column, mask=known & (column < width), other=0.0).to(COMPUTE)
    if CODED:
        group = tl.arange(0, WIDTH // 16)[None, :]
        scale = tl.load(scales + first // 16 + group, mask=known & (group * 16 < width), other=0.0).to(COMPUTE)
        scale = tl.broadcast_to(scale[:, :, None], (ROWS, WIDTH // 16, 16)).reshape(ROWS, WIDTH)
        values = values * scale
    return values
