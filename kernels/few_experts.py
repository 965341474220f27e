"""The routed experts of few tokens, without sorting: the first pair of an expert does the work of all its tokens."""

import torch

from kernels.packed_weights import PackedWeights, multiply_tile
from kernels.triton_import import compute_dtype, jit, jit_for_any, tl, triton, warps

FEW_TOKENS = 16  # the least that a tensor core multiplies, so that a tile holds all tokens
_COLUMNS = 16  # of a program; all multiprocessors shall read, though a token has only a handful of experts


def few_experts_triton(
    x: torch.Tensor, topk_ids: torch.Tensor, topk_weights: torch.Tensor, gate_up: PackedWeights, down: PackedWeights
) -> torch.Tensor:
    """Compute `packed_experts` of at most FEW_TOKENS tokens with three launches.

    Each (token, expert) pair has programs, and they read the expert's weights only if no pair before it has the same
    expert. The tokens that chose it are the rows of their tile.
    """
    tokens, top_k = topk_ids.shape
    pairs = tokens * top_k
    x = x if x.stride(-1) == 1 else x.contiguous()
    topk_ids = topk_ids.contiguous()
    hidden = x.new_empty(pairs, down.columns)
    parts = x.new_empty(pairs, down.rows, dtype=torch.float32)
    sizes = {"TOP_K": triton.next_power_of_2(top_k), "X_ROWS": FEW_TOKENS, "ROWS": _COLUMNS, "INNER": 128}
    for kernel, source, stride, weights, target in (
        (_few_gate_up_kernel, x, x.stride(0), gate_up, hidden),
        (_few_down_kernel, hidden, hidden.stride(0), down, parts),
    ):
        kernel[(pairs, triton.cdiv(target.shape[1], _COLUMNS))](
            source, topk_ids, *weights.tensors, target, stride, tokens, top_k, target.shape[1], weights.columns,
            COMPUTE=compute_dtype(x), QUANT=weights.quant, **sizes,
            num_warps=warps(4), num_stages=3,
        )  # fmt: skip
    return sum_of_parts_triton(parts, topk_weights, x.dtype)


def sum_of_parts_triton(parts: torch.Tensor, topk_weights: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Add parts [T * K, H], row t * K + k, times their weights [T, K] to [T, H]: in fp32, in the order of k."""
    tokens, top_k = topk_weights.shape
    out = parts.new_empty(tokens, parts.shape[1], dtype=dtype)
    if tokens:
        _sum_of_parts_kernel[(tokens, triton.cdiv(parts.shape[1], 256))](
            parts, topk_weights.contiguous(), out, top_k, parts.shape[1], COLUMNS=256
        )
    return out


@jit
def _tokens_of(ids_ptr, pair, tokens, top_k, TOP_K: tl.constexpr, X_ROWS: tl.constexpr):  # type: ignore[no-untyped-def]  # Triton types the arguments at launch
    """Find the tokens that chose the expert of a pair -> the expert, its first pair, who chose it, and their pairs."""
    expert = tl.load(ids_ptr + pair)
    token, k = tl.arange(0, X_ROWS)[:, None], tl.arange(0, TOP_K)[None, :]
    pairs = token * top_k + k
    ids = tl.load(ids_ptr + pairs, mask=(token < tokens) & (k < top_k), other=-1)
    pairs = tl.where(ids == expert, pairs, X_ROWS * TOP_K)
    own = tl.min(pairs, axis=1)
    return expert, tl.min(own, axis=0), own < X_ROWS * TOP_K, own


@jit_for_any("tokens")
def _few_gate_up_kernel(  # type: ignore[no-untyped-def]  # as above
    x_ptr, ids_ptr, codes_ptr, grid_ptr, units_ptr, high_ptr, hidden_ptr,
    x_stride, tokens, top_k, columns, inner,
    COMPUTE: tl.constexpr, QUANT: tl.constexpr, TOP_K: tl.constexpr,
    X_ROWS: tl.constexpr, ROWS: tl.constexpr, INNER: tl.constexpr,
):  # fmt: skip
    expert, first, chose, own = _tokens_of(ids_ptr, tl.program_id(0), tokens, top_k, TOP_K, X_ROWS)
    if first == tl.program_id(0):
        column = (tl.program_id(1) * ROWS + tl.arange(0, ROWS)).to(tl.int64)
        wanted = column < columns
        x_row = x_ptr + tl.arange(0, X_ROWS) * x_stride
        gate = multiply_tile(
            x_row, chose, codes_ptr, grid_ptr, units_ptr, high_ptr, expert, column, wanted, 2 * columns, inner,
            0, inner, COMPUTE, QUANT, X_ROWS, ROWS, INNER,
        )  # fmt: skip
        up = multiply_tile(
            x_row, chose, codes_ptr, grid_ptr, units_ptr, high_ptr, expert, columns + column, wanted,
            2 * columns, inner, 0, inner, COMPUTE, QUANT, X_ROWS, ROWS, INNER,
        )  # fmt: skip
        hidden = gate / (1 + tl.exp(-gate)) * up
        target = hidden_ptr + own[:, None] * columns + column[None, :]
        tl.store(target, hidden.to(hidden_ptr.dtype.element_ty), mask=chose[:, None] & wanted[None, :])


@jit_for_any("tokens")
def _few_down_kernel(  # type: ignore[no-untyped-def]  # as above
    hidden_ptr, ids_ptr, codes_ptr, grid_ptr, units_ptr, high_ptr, parts_ptr,
    hidden_stride, tokens, top_k, columns, inner,
    COMPUTE: tl.constexpr, QUANT: tl.constexpr, TOP_K: tl.constexpr,
    X_ROWS: tl.constexpr, ROWS: tl.constexpr, INNER: tl.constexpr,
):  # fmt: skip
    expert, first, chose, own = _tokens_of(ids_ptr, tl.program_id(0), tokens, top_k, TOP_K, X_ROWS)
    if first == tl.program_id(0):
        column = (tl.program_id(1) * ROWS + tl.arange(0, ROWS)).to(tl.int64)
        wanted = column < columns
        products = multiply_tile(
            hidden_ptr + own * hidden_stride, chose, codes_ptr, grid_ptr, units_ptr, high_ptr,
            expert, column, wanted, columns, inner, 0, inner, COMPUTE, QUANT, X_ROWS, ROWS, INNER,
        )  # fmt: skip
        target = parts_ptr + own[:, None] * columns + column[None, :]
        tl.store(target, products, mask=chose[:, None] & wanted[None, :])


@jit
def _sum_of_parts_kernel(  # type: ignore[no-untyped-def]  # as above
    parts_ptr, weights_ptr, out_ptr, top_k, width, COLUMNS: tl.constexpr
):  # fmt: skip
    token = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    inside = column < width
    total = tl.zeros((COLUMNS,), tl.float32)
    for k in range(top_k):
        weight = tl.load(weights_ptr + token * top_k + k).to(tl.float32)
        part = tl.load(parts_ptr + (token * top_k + k) * width + column, mask=inside, other=0.0)
        total += weight * part.to(tl.float32)
    tl.store(out_ptr + token * width + column, total.to(out_ptr.dtype.element_ty), mask=inside)
