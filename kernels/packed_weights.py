"""Weight matrices in the layouts that the Triton kernels read, and the product of rows with a tile of one.

    wide  codes [N, K] floats
    int8  codes [N, K] int8; grid [N] fp32: w = code * grid
    int4  codes [N, K / 2] uint8 in groups of 32 columns: byte j of a group holds the code of its column j in the low
          half, and that of column j + 16 in the high one
          grid  [K / 32, 2, N] uint8: for each group the scales of all rows, then their offsets
          units [2, N] fp32: w = units[0] * scale * code - units[1] * offset
    int5  as int4, and high [K / 16, N] int16: bit j is the fifth bit of column j's code, of half a group

The codes are those of the files; what belongs to a group lies beside that of the next row, because a tile has many rows
and few groups. Stacked matrices have the dimension of the experts before all others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from kernels.triton_import import jit, tl

GROUP = 32


@dataclass(frozen=True)
class PackedWeights:
    """A matrix [N, K], or [E, N, K]; a part that its form does not have is `codes` again: a kernel takes all parts."""

    quant: str  # wide, int8, int5 or int4
    columns: int  # K
    codes: torch.Tensor
    grid: torch.Tensor
    units: torch.Tensor
    high: torch.Tensor

    @property
    def rows(self) -> int:
        return self.codes.shape[-2]

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        return self.codes, self.grid, self.units, self.high


def pack_weights(quant: str, tensors: Sequence[torch.Tensor]) -> PackedWeights:
    """Lay out the tensors of a matrix in the files: codes and, by the form, scale, offset, row and high bits."""
    codes = tensors[0].contiguous()
    if quant in ("wide", "int8"):
        grid = tensors[1].contiguous() if quant == "int8" else codes
        return PackedWeights(quant, codes.shape[-1], codes, grid, codes, codes)
    scale, offset, row, *fifth = tensors[1:]
    grid = torch.stack((scale.mT, offset.mT), dim=-2)  # [K / 32, 2, N]
    high = fifth[0].contiguous().view(torch.int16).mT.contiguous() if quant == "int5" else codes
    return PackedWeights(quant, 2 * codes.shape[-1], codes, grid, row.mT.contiguous(), high)


def stack_weights(experts: Sequence[PackedWeights]) -> PackedWeights:
    """Stack matrices of one form and shape to [E, N, K]."""
    codes, *others = (torch.stack(parts) for parts in zip(*(expert.tensors for expert in experts), strict=True))
    quant, columns = experts[0].quant, experts[0].columns
    has_part = (quant != "wide", quant in ("int4", "int5"), quant == "int5")
    return PackedWeights(quant, columns, codes, *(t if has else codes for t, has in zip(others, has_part, strict=True)))


def split_columns(weights: PackedWeights, parts: int) -> list[PackedWeights]:
    """Cut [N, K] into matrices [N, K / parts]: a shared expert that is as wide as several routed ones."""
    width = weights.columns // parts
    if weights.columns % parts or (weights.quant in ("int4", "int5") and width % GROUP):
        raise ValueError(f"{weights.columns} columns of {weights.quant} do not make {parts} whole matrices")
    codes = [part.contiguous() for part in weights.codes.chunk(parts, dim=-1)]
    if weights.quant == "wide":
        return [replace(weights, columns=width, codes=c, grid=c, units=c, high=c) for c in codes]
    if weights.quant == "int8":
        return [replace(weights, columns=width, codes=c, units=c, high=c) for c in codes]
    grids = weights.grid.chunk(parts)
    highs = weights.high.chunk(parts) if weights.quant == "int5" else codes
    return [
        PackedWeights(weights.quant, width, c, grid, weights.units, high)
        for c, grid, high in zip(codes, grids, highs, strict=True)
    ]


def unpack_weights(weights: PackedWeights, dtype: torch.dtype) -> torch.Tensor:
    """Widen to [N, K], or [E, N, K]: the reference of what the kernels multiply with."""
    if weights.quant == "wide":
        return weights.codes.to(dtype)
    if weights.quant == "int8":
        return (weights.codes.float() * weights.grid[..., None]).to(dtype)
    halves = weights.codes.view(*weights.codes.shape[:-1], -1, GROUP // 2)
    codes = torch.cat((halves & 15, halves >> 4), dim=-1)  # [.., N, K / 32, 32]
    if weights.quant == "int5":
        bits = weights.high.mT[..., None].int() >> torch.arange(16, device=codes.device) & 1  # [.., N, K / 16, 16]
        codes = codes + 16 * bits.reshape(codes.shape)
    scale, offset = weights.grid.float().unbind(-2)  # [.., K / 32, N] each
    step, lowest = scale * weights.units[..., :1, :], offset * -weights.units[..., 1:, :]
    return torch.addcmul(lowest.mT[..., None], codes.float(), step.mT[..., None]).flatten(-2).to(dtype)


@jit
def multiply_tile(  # type: ignore[no-untyped-def]  # Triton types the arguments at launch
    x_row, real, codes_ptr, grid_ptr, units_ptr, high_ptr, matrix, row, wanted, rows, inner, begin, end,
    COMPUTE: tl.constexpr, QUANT: tl.constexpr, X_ROWS: tl.constexpr, ROWS: tl.constexpr, INNER: tl.constexpr,
):  # fmt: skip
    """Multiply the `real` ones of X_ROWS rows of x, at the pointers `x_row`, with the `wanted` rows of a matrix.

    `matrix` counts in the stack, int64; `row` [ROWS] -> fp32 [X_ROWS, ROWS]. INNER columns are multiplied at once.
    The columns are those from `begin`, a multiple of INNER, to `end`, which is another or the last one.
    """
    products = tl.zeros((X_ROWS, ROWS), tl.float32)
    first = matrix * rows + row
    if QUANT == "wide" or QUANT == "int8":
        for start in range(begin, end, INNER):
            k = start + tl.arange(0, INNER)
            x = tl.load(x_row[:, None] + k[None, :], mask=real[:, None] & (k < inner)[None, :], other=0.0)
            code = codes_ptr + first[None, :] * inner + k[:, None]
            code = tl.load(code, mask=wanted[None, :] & (k < inner)[:, None], other=0)
            products += tl.dot(x.to(COMPUTE), code.to(COMPUTE), input_precision="ieee")
        if QUANT == "int8":
            products *= tl.load(grid_ptr + first, mask=wanted, other=0.0)[None, :]
    else:
        unit = units_ptr + matrix * 2 * rows + row
        scale_unit = tl.load(unit, mask=wanted, other=0.0)[None, None, :]
        offset_unit = tl.load(unit + rows, mask=wanted, other=0.0)[None, None, :]
        groups = inner // 32
        for start in range(begin // 2, end // 2, INNER // 2):
            byte = start + tl.arange(0, INNER // 2)
            group = start // 16 + tl.arange(0, INNER // 32)
            inside = byte < inner // 2
            code = codes_ptr + first[None, :] * (inner // 2) + byte[:, None]
            code = tl.load(code, mask=wanted[None, :] & inside[:, None], other=0)
            low, high = (code & 15).to(tl.float32), (code >> 4).to(tl.float32)
            known = (group < groups)[:, None] & wanted[None, :]
            if QUANT == "int5":
                bits = high_ptr + (matrix * 2 * groups + 2 * group)[:, None] * rows + row[None, :]
                low += _fifth_bits(tl.load(bits, mask=known, other=0), INNER // 32, ROWS)
                high += _fifth_bits(tl.load(bits + rows, mask=known, other=0), INNER // 32, ROWS)
            grid = grid_ptr + (matrix * 2 * groups + 2 * group)[:, None] * rows + row[None, :]
            step = tl.load(grid, mask=known, other=0).to(tl.float32)[:, None, :] * scale_unit
            lowest = tl.load(grid + rows, mask=known, other=0).to(tl.float32)[:, None, :] * -offset_unit
            step = tl.broadcast_to(step, (INNER // 32, 16, ROWS)).reshape(INNER // 2, ROWS)
            lowest = tl.broadcast_to(lowest, (INNER // 32, 16, ROWS)).reshape(INNER // 2, ROWS)
            x_at = x_row[:, None] + (byte // 16 * 32 + byte % 16)[None, :]
            x_known = real[:, None] & inside[None, :]
            x_low = tl.load(x_at, mask=x_known, other=0.0).to(COMPUTE)
            x_high = tl.load(x_at + 16, mask=x_known, other=0.0).to(COMPUTE)
            products += tl.dot(x_low, (low * step + lowest).to(COMPUTE), input_precision="ieee")
            products += tl.dot(x_high, (high * step + lowest).to(COMPUTE), input_precision="ieee")
    return products


@jit
def _fifth_bits(words, GROUPS: tl.constexpr, ROWS: tl.constexpr):  # type: ignore[no-untyped-def]  # as above
    """Spread the bits of words [GROUPS, ROWS] -> fp32 [16 * GROUPS, ROWS], 0 or 16."""
    bits = (words.to(tl.int32)[:, None, :] >> tl.arange(0, 16)[None, :, None]) & 1
    return (bits * 16).to(tl.float32).reshape(GROUPS * 16, ROWS)
