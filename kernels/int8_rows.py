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
def round_to_even(x):  # type: ignore[no-untyped-def]  # Triton types the arguments at launch
    """Round values below 2^22 to the nearest integer, halves to the even one, as torch does."""
    return (x + 12582912.0) - 12582912.0  # 1.5 * 2^23: from there on neighbouring fp32 values are integers


@jit
def round_to_bf16(x):  # type: ignore[no-untyped-def]  # as above
    """Round fp32 to the nearest bf16, halves to the even one. The interpreter's conversion cuts the bits off."""
    bits = x.to(tl.int32, bitcast=True)
    bits += 32767 + ((bits >> 16) & 1)
    return (bits & -65536).to(tl.float32, bitcast=True)


@jit
def load_values(  # type: ignore[no-untyped-def]  # as above
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


@jit
def store_values(  # type: ignore[no-untyped-def]  # as above
    row, scales, first, width, values, CODED: tl.constexpr, WIDTH: tl.constexpr
):  # fmt: skip
    """Store `width` of the values [WIDTH] from `first` on of a row, rounded as `encode` does where it is CODED."""
    column = tl.arange(0, WIDTH)
    if CODED:
        group = tl.arange(0, WIDTH // 16)
        grouped = tl.where(column < width, values.to(tl.float32), 0.0).reshape(WIDTH // 16, 16)
        scale = round_to_bf16(tl.div_rn(tl.max(tl.abs(grouped), axis=1), 127.0))
        tl.store(scales + first // 16 + group, scale.to(tl.bfloat16), mask=group * 16 < width)
        step = scale[:, None]
        codes = tl.where(step > 0, tl.div_rn(grouped, tl.where(step > 0, step, 1.0) + tl.zeros_like(grouped)), 0.0)
        values = tl.clamp(round_to_even(codes), -127.0, 127.0).to(tl.int8).reshape(WIDTH)
    tl.store(row + first + column, values.to(row.dtype.element_ty), mask=column < width)
