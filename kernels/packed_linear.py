"""Products with weights in any form: few rows read the codes as fast as memory gives them, many widen tiles of them."""

import torch
from torch.nn import functional as F

from kernels.packed_weights import PackedWeights, multiply_tile, unpack_weights
from kernels.triton_import import compute_dtype, jit_for_any, runs_triton, tl, triton, warps


def packed_linear(x: torch.Tensor, weights: PackedWeights, bias: torch.Tensor | None = None) -> torch.Tensor:
    """Compute x @ weights.T + bias: x [M, K], weights [N, K], bias [N] -> a new [M, N] in x's dtype.

    A quantized weight is rounded to x's dtype, the sum of products is fp32 and is rounded once.
    """
    run = packed_linear_triton if runs_triton(x) else packed_linear_reference
    return run(x, weights, bias)


def packed_linear_reference(x: torch.Tensor, weights: PackedWeights, bias: torch.Tensor | None) -> torch.Tensor:
    return F.linear(x, unpack_weights(weights, x.dtype), bias)


def packed_linear_triton(x: torch.Tensor, weights: PackedWeights, bias: torch.Tensor | None) -> torch.Tensor:
    """Launch a program for each tile of the result; wide weights are the vendor's library's."""
    if weights.quant == "wide":
        return F.linear(x, weights.codes, bias)
    x_rows, rows = x.shape[0], weights.rows
    x = x if x.stride(-1) == 1 else x.contiguous()
    out = x.new_empty(x_rows, rows)
    # A tile of few rows is narrow, so that even a small matrix keeps all multiprocessors reading.
    tile_rows, tile_columns, inner = (16, 16, 256) if x_rows <= 16 else (64, 64, 64)
    if x_rows:
        _packed_linear_kernel[(triton.cdiv(x_rows, tile_rows), triton.cdiv(rows, tile_columns))](
            x, *weights.tensors, x if bias is None else bias.contiguous(), out, x.stride(0), x_rows, rows, x.shape[1],
            COMPUTE=compute_dtype(x), QUANT=weights.quant, HAS_BIAS=bias is not None,
            X_ROWS=tile_rows, ROWS=tile_columns, INNER=inner,
            num_warps=warps(4), num_stages=3,
        )  # fmt: skip
    return out


@jit_for_any("x_rows")
def _packed_linear_kernel(  # type: ignore[no-untyped-def]  # Triton types the arguments at launch
    x_ptr, codes_ptr, grid_ptr, units_ptr, high_ptr, bias_ptr, out_ptr, x_stride, x_rows, rows, inner,
    COMPUTE: tl.constexpr, QUANT: tl.constexpr, HAS_BIAS: tl.constexpr,
    X_ROWS: tl.constexpr, ROWS: tl.constexpr, INNER: tl.constexpr,
):  # fmt: skip
    x_row = (tl.program_id(0) * X_ROWS + tl.arange(0, X_ROWS)).to(tl.int64)
    row = (tl.program_id(1) * ROWS + tl.arange(0, ROWS)).to(tl.int64)
    real, wanted = x_row < x_rows, row < rows
    matrix = tl.zeros((), tl.int64)
    products = multiply_tile(
        x_ptr + x_row * x_stride, real, codes_ptr, grid_ptr, units_ptr, high_ptr, matrix, row, wanted, rows, inner,
        COMPUTE, QUANT, X_ROWS, ROWS, INNER,
    )  # fmt: skip
    if HAS_BIAS:
        products += tl.load(bias_ptr + row, mask=wanted, other=0.0).to(tl.float32)[None, :]
    out = out_ptr + x_row[:, None] * rows + row[None, :]
    tl.store(out, products.to(out_ptr.dtype.element_ty), mask=real[:, None] & wanted[None, :])
