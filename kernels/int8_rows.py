"""Rows of int8 pages, as kernels/cpu/page_row.h describes them: the codes, then a bf16 scale for each 16 values."""

import torch
from torch.nn import functional as F

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
