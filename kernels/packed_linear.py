"""Products with weights in any form: few rows read the codes as fast as memory gives them, many widen tiles of them."""

import torch
from torch.nn import functional as F

from kernels.packed_weights import PackedWeights, multiply_tile, unpack_weights
from kernels.triton_import import compute_dtype, jit_for_any, multiprocessors, runs_triton, tl, triton, warps


def packed_linear(x: torch.Tensor, weights: PackedWeights, bias: torch.Tensor | None = None) -> torch.Tensor:
    """Compute x @ weights.T + bias: x [M, K], weights [N, K], bias [N] -> a new [M, N] in x's dtype.

    A quantized weight is rounded to x's dtype, the sum of products is fp32 and is rounded once.
    """
    run = packed_linear_triton if runs_triton(x) else packed_linear_reference
    return run(x, weights, bias)


def packed_linear_reference(x: torch.Tensor, weights: PackedWeights, bias: torch.Tensor | None) -> torch.Tensor:
    return F.linear(x, unpack_weights(weights, x.dtype), bias)


def packed_linear_triton(x: torch.Tensor, weights: PackedWeights, bias: torch.Tensor | None) -> torch.Tensor:
    """Launch a program for each tile of the result, and of few rows for each part of the columns too.

    The parts are added in their order, so the same inputs give the same bits. Wide weights are the vendor's library's.
    """
    if weights.quant == "wide":
        return F.linear(x, weights.codes, bias)
    x_rows, rows, columns = x.shape[0], weights.rows, x.shape[1]
    x = x if x.stride(-1) == 1 else x.contiguous()
    out = x.new_empty(x_rows, rows)
    if not x_rows:
        return out
    # A tile of few rows is narrow, so that even a small matrix keeps all multiprocessors reading.
    tile_rows, tile_columns, inner = (16, 16, 256) if x_rows <= 16 else (64, 64, 64)
    tiles = triton.cdiv(rows, tile_columns)
    parts = count_column_parts(tiles, columns, multiprocessors(x.device)) if x_rows <= tile_rows else 1
    target = x.new_empty(parts, x_rows, rows, dtype=torch.float32) if parts > 1 else out
    added = x if bias is None else bias.contiguous()
    _packed_linear_kernel[(triton.cdiv(x_rows, tile_rows), tiles, parts)](
        x, *weights.tensors, added, target, x.stride(0), x_rows, rows, columns, parts,
        COMPUTE=compute_dtype(x), QUANT=weights.quant, HAS_BIAS=bias is not None and parts == 1, SPLIT=parts > 1,
        X_ROWS=tile_rows, ROWS=tile_columns, INNER=inner,
        num_warps=warps(4), num_stages=3,
    )  # fmt: skip
    if parts > 1:
        _sum_of_columns_kernel[(x_rows, triton.cdiv(rows, 256))](
            target, added, out, x_rows, rows, HAS_BIAS=bias is not None, PARTS=parts, COLUMNS=256
        )
    return out


def count_column_parts(tiles: int, columns: int, multiprocessors: int) -> int:
    """Choose the number of parts that the columns of a matrix are multiplied in: a power of two.

    A multiprocessor reads as fast as it can only with several programs. A part is long enough that its sum, which is
    written and read once more, costs little.
    """
    most = min(_PROGRAMS * multiprocessors // tiles, columns // _LEAST_COLUMNS, _MOST_PARTS)
    return 1 << max(0, most.bit_length() - 1)


_PROGRAMS = 4  # of a multiprocessor
_LEAST_COLUMNS = 512  # of a part
_MOST_PARTS = 16


@jit_for_any("x_rows", "parts")
def _packed_linear_kernel(  # type: ignore[no-untyped-def]  # Triton types the arguments at launch
    x_ptr, codes_ptr, grid_ptr, units_ptr, high_ptr, bias_ptr, out_ptr, x_stride, x_rows, rows, inner, parts,
    COMPUTE: tl.constexpr, QUANT: tl.constexpr, HAS_BIAS: tl.constexpr, SPLIT: tl.constexpr,
    X_ROWS: tl.constexpr, ROWS: tl.constexpr, INNER: tl.constexpr,
):  # fmt: skip
    x_row = (tl.program_id(0) * X_ROWS + tl.arange(0, X_ROWS)).to(tl.int64)
    row = (tl.program_id(1) * ROWS + tl.arange(0, ROWS)).to(tl.int64)
    real, wanted = x_row < x_rows, row < rows
    matrix = tl.zeros((), tl.int64)
    begin, end = 0, inner
    if SPLIT:
        part_columns = tl.cdiv(tl.cdiv(inner, INNER), parts) * INNER
        begin = tl.program_id(2) * part_columns
        end = tl.minimum(inner, begin + part_columns)
    products = multiply_tile(
        x_ptr + x_row * x_stride, real, codes_ptr, grid_ptr, units_ptr, high_ptr, matrix, row, wanted, rows, inner,
        begin, end, COMPUTE, QUANT, X_ROWS, ROWS, INNER,
    )  # fmt: skip
    if HAS_BIAS:
        products += tl.load(bias_ptr + row, mask=wanted, other=0.0).to(tl.float32)[None, :]
    out = out_ptr + (tl.program_id(2) * x_rows + x_row)[:, None] * rows + row[None, :]
    tl.store(out, products.to(out_ptr.dtype.element_ty), mask=real[:, None] & wanted[None, :])


@jit_for_any("x_rows")
def _sum_of_columns_kernel(  # type: ignore[no-untyped-def]  # as above
    parts_ptr, bias_ptr, out_ptr, x_rows, rows, HAS_BIAS: tl.constexpr, PARTS: tl.constexpr, COLUMNS: tl.constexpr
):  # fmt: skip
    x_row = tl.program_id(0).to(tl.int64)
    row = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    wanted = row < rows
    total = tl.zeros((COLUMNS,), tl.float32)
    for part in tl.static_range(PARTS):
        total += tl.load(parts_ptr + (part * x_rows + x_row) * rows + row, mask=wanted, other=0.0)
    if HAS_BIAS:
        total += tl.load(bias_ptr + row, mask=wanted, other=0.0).to(tl.float32)
    tl.store(out_ptr + x_row * rows + row, total.to(out_ptr.dtype.element_ty), mask=wanted)
