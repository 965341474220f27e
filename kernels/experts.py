"""The routed experts of a DeepSeekMoE layer (DeepSeek-V2, arXiv:2405.04434, section 2.2.1)."""

from collections.abc import Callable

import torch
from torch.nn.functional import silu

from kernels.few_experts import FEW_TOKENS, few_experts_triton, sum_of_parts_triton
from kernels.few_shapes import linear
from kernels.packed_weights import PackedWeights, multiply_tile, pack_weights, unpack_weights
from kernels.triton_import import compute_dtype, jit, runs_triton, tl, triton, warps


def routed_experts(
    x: torch.Tensor,
    topk_ids: torch.Tensor,
    topk_weights: torch.Tensor,
    gate_up: torch.Tensor,
    down: torch.Tensor,
) -> torch.Tensor:
    """The sum over k of topk_weights[t, k] * down_e(silu(gate_e x_t) * up_e x_t), e = topk_ids[t, k].

    x [T, H]; topk_ids [T, K] int64 in 0..E-1; topk_weights [T, K]; gate_up [E, 2*I, H], the gate's
    I rows first; down [E, H, I] -> a new [T, H] in x's dtype. A token's K parts are added in fp32
    in the order of its row, so the other tokens of the batch change its result only through the
    rounding inside a matrix product.
    """
    if runs_triton(x):
        packed = (pack_weights("wide", [weights]) for weights in (gate_up, down))
        return packed_experts_triton(x, topk_ids, topk_weights, *packed)
    return routed_experts_reference(x, topk_ids, topk_weights, gate_up, down)


def packed_experts(
    x: torch.Tensor, topk_ids: torch.Tensor, topk_weights: torch.Tensor, gate_up: PackedWeights, down: PackedWeights
) -> torch.Tensor:
    """Compute `routed_experts` with stacked weights in any form. A shared expert is one that all tokens choose."""
    run = packed_experts_triton if runs_triton(x) else packed_experts_reference
    return run(x, topk_ids, topk_weights, gate_up, down)


def packed_experts_reference(
    x: torch.Tensor, topk_ids: torch.Tensor, topk_weights: torch.Tensor, gate_up: PackedWeights, down: PackedWeights
) -> torch.Tensor:
    wide = (unpack_weights(weights, x.dtype) for weights in (gate_up, down))
    return routed_experts_reference(x, topk_ids, topk_weights, *wide)


def routed_experts_reference(
    x: torch.Tensor,
    topk_ids: torch.Tensor,
    topk_weights: torch.Tensor,
    gate_up: torch.Tensor,
    down: torch.Tensor,
) -> torch.Tensor:
    """Run each chosen expert once, on all of its tokens and on views of its weights.

    Gathering the chosen weights into a tensor would take ten times as long as the products.
    """

    def run_expert(expert: int, rows: torch.Tensor) -> torch.Tensor:
        return _run_expert(rows, gate_up[expert], down[expert])

    return sum_of_experts(x, topk_ids, topk_weights, gate_up.shape[0], run_expert)


def sum_of_experts(
    x: torch.Tensor,
    topk_ids: torch.Tensor,
    topk_weights: torch.Tensor,
    experts: int,
    run_expert: Callable[[int, torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """Compute `routed_experts` for experts in any form; run_expert(e, rows [M, H]) -> [M, H] once for each e."""
    tokens, top_k = topk_ids.shape
    parts = x.new_empty(tokens * top_k, x.shape[1])  # row t * K + k
    if tokens == 1:
        for k, expert in enumerate(topk_ids[0].tolist()):
            parts[k] = run_expert(expert, x)[0]
    else:
        chosen = topk_ids.flatten()
        order = chosen.argsort(stable=True)
        counts = chosen.bincount(minlength=experts).tolist()
        for expert, rows in enumerate(torch.split(order, counts)):
            if rows.numel():
                parts[rows] = run_expert(expert, x[rows // top_k])
    return _weighted_sum(parts, topk_weights, x.dtype)


def _run_expert(x: torch.Tensor, gate_up: torch.Tensor, down: torch.Tensor) -> torch.Tensor:
    gate, up = linear(x, gate_up).chunk(2, dim=-1)
    return linear(silu(gate) * up, down)


def _weighted_sum(parts: torch.Tensor, topk_weights: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Add parts [T * K, H], row t * K + k, to [T, H]: in fp32, in the order of k."""
    tokens, top_k = topk_weights.shape
    weighted = parts.view(tokens, top_k, parts.shape[1]).float() * topk_weights.float()[..., None]
    return weighted.sum(dim=1).to(dtype)


def packed_experts_triton(
    x: torch.Tensor, topk_ids: torch.Tensor, topk_weights: torch.Tensor, gate_up: PackedWeights, down: PackedWeights
) -> torch.Tensor:
    """Run few tokens as they are, and many by two grouped products over (token, expert) pairs sorted by expert.

    Nothing waits for the GPU.
    """
    tokens, top_k = topk_ids.shape
    if not tokens:
        return x.new_zeros(x.shape)
    if tokens <= FEW_TOKENS:
        return few_experts_triton(x, topk_ids, topk_weights, gate_up, down)
    experts = gate_up.codes.shape[0]
    order = topk_ids.flatten().argsort(stable=True)
    # A tensor core multiplies no less than 16 rows; where an expert has few tokens, more would be padding.
    tile_pairs = 64 if tokens * top_k >= 64 * experts else 16
    tiles = _tiles_of_experts(topk_ids.flatten()[order], experts, tile_pairs)
    in_order = torch.arange(tokens * top_k, device=x.device)
    projected = _grouped_linear(x, order // top_k, gate_up, in_order, tiles, tile_pairs)
    gate, up = projected.chunk(2, dim=-1)
    parts = _grouped_linear(silu(gate) * up, in_order, down, order, tiles, tile_pairs)
    return sum_of_parts_triton(parts, topk_weights, x.dtype)


def _tiles_of_experts(sorted_ids: torch.Tensor, experts: int, tile_pairs: int) -> torch.Tensor:
    """Cut the pairs into tiles [tiles, 3] int64: the expert, its first sorted pair in this tile, the end of its pairs.

    A tile never spans two experts. The number of tiles is the largest possible one, which is known without asking the
    GPU how many pairs each expert got; tiles that are not needed have first >= end.
    """
    device = sorted_ids.device
    ends = torch.searchsorted(sorted_ids, torch.arange(experts, device=device), right=True)
    starts = torch.cat((ends.new_zeros(1), ends[:-1]))
    tile_ends = ((ends - starts + tile_pairs - 1) // tile_pairs).cumsum(0)
    pairs = sorted_ids.shape[0]
    tile = torch.arange(min(pairs, pairs // tile_pairs + experts), device=device)
    expert = torch.searchsorted(tile_ends, tile, right=True).clamp_(max=experts - 1)
    tiles_before = torch.cat((tile_ends.new_zeros(1), tile_ends[:-1]))
    first = starts[expert] + (tile - tiles_before[expert]) * tile_pairs
    return torch.stack((expert, first, ends[expert]), dim=1)


def _grouped_linear(
    x: torch.Tensor,
    x_rows: torch.Tensor,
    weights: PackedWeights,
    out_rows: torch.Tensor,
    tiles: torch.Tensor,
    tile_pairs: int,
) -> torch.Tensor:
    """Compute out[out_rows[i]] = weights[expert of sorted pair i] @ x[x_rows[i]].

    weights [E, N, K]; x_rows and out_rows [pairs] -> a new [pairs, N] in x's dtype.
    """
    x = x if x.stride(-1) == 1 else x.contiguous()
    out = x.new_empty(x_rows.shape[0], weights.rows)
    _grouped_linear_kernel[(tiles.shape[0], triton.cdiv(weights.rows, 64))](
        x, x_rows, *weights.tensors, out_rows, tiles, out, x.stride(0), weights.rows, weights.columns,
        COMPUTE=compute_dtype(x), QUANT=weights.quant, PAIRS=tile_pairs, ROWS=64, INNER=64,
        num_warps=warps(4), num_stages=3,
    )  # fmt: skip
    return out


@jit
def _grouped_linear_kernel(  # type: ignore[no-untyped-def]  # Triton types the arguments at launch
    x_ptr, x_rows_ptr, codes_ptr, grid_ptr, units_ptr, high_ptr, out_rows_ptr, tiles_ptr, out_ptr,
    x_stride, rows, inner,
    COMPUTE: tl.constexpr, QUANT: tl.constexpr, PAIRS: tl.constexpr, ROWS: tl.constexpr, INNER: tl.constexpr,
):  # fmt: skip
    tile = tiles_ptr + tl.program_id(0) * 3
    expert, first, end = tl.load(tile), tl.load(tile + 1), tl.load(tile + 2)
    if first < end:
        pair = first + tl.arange(0, PAIRS)
        real = pair < end
        row = (tl.program_id(1) * ROWS + tl.arange(0, ROWS)).to(tl.int64)
        wanted = row < rows
        x_row = x_ptr + tl.load(x_rows_ptr + pair, mask=real, other=0) * x_stride
        products = multiply_tile(
            x_row, real, codes_ptr, grid_ptr, units_ptr, high_ptr, expert, row, wanted, rows, inner,
            0, inner, COMPUTE, QUANT, PAIRS, ROWS, INNER,
        )  # fmt: skip
        out_row = out_ptr + tl.load(out_rows_ptr + pair, mask=real, other=0) * rows
        products = products.to(out_ptr.dtype.element_ty)
        tl.store(out_row[:, None] + row[None, :], products, mask=real[:, None] & wanted[None, :])
