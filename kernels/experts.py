"""The routed experts of a DeepSeekMoE layer (DeepSeek-V2, arXiv:2405.04434, section 2.2.1)."""

from collections.abc import Callable

import torch
from torch.nn.functional import silu

from kernels.few_shapes import linear
from kernels.triton_import import compute_dtype, jit, runs_triton, tl, triton


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
    run = routed_experts_triton if runs_triton(x) else routed_experts_reference
    return run(x, topk_ids, topk_weights, gate_up, down)


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


def routed_experts_triton(
    x: torch.Tensor,
    topk_ids: torch.Tensor,
    topk_weights: torch.Tensor,
    gate_up: torch.Tensor,
    down: torch.Tensor,
) -> torch.Tensor:
    """Run two grouped products over (token, expert) pairs sorted by expert, without waiting for the GPU."""
    tokens, top_k = topk_ids.shape
    pairs = tokens * top_k
    if not pairs:
        return x.new_zeros(x.shape)
    order = topk_ids.flatten().argsort(stable=True)
    tiles = _tiles_of_experts(topk_ids.flatten()[order], gate_up.shape[0])
    in_order = torch.arange(pairs, device=x.device)
    projected = _grouped_linear(x, order // top_k, gate_up, in_order, tiles)
    gate, up = projected.chunk(2, dim=-1)
    parts = _grouped_linear(silu(gate) * up, in_order, down, order, tiles)
    return _weighted_sum(parts, topk_weights, x.dtype)


_TILE_PAIRS = 16  # the least that a tensor core multiplies; with few tokens, more would be padding


def _tiles_of_experts(sorted_ids: torch.Tensor, experts: int) -> torch.Tensor:
    """Cut the pairs into tiles [tiles, 3] int64: the expert, its first sorted pair in this tile, the end of its pairs.

    A tile never spans two experts. The number of tiles is the largest possible one, which is known without asking the
    GPU how many pairs each expert got; tiles that are not needed have first >= end.
    """
    device = sorted_ids.device
    ends = torch.searchsorted(sorted_ids, torch.arange(experts, device=device), right=True)
    starts = torch.cat((ends.new_zeros(1), ends[:-1]))
    tile_ends = ((ends - starts + _TILE_PAIRS - 1) // _TILE_PAIRS).cumsum(0)
    pairs = sorted_ids.shape[0]
    tile = torch.arange(min(pairs, pairs // _TILE_PAIRS + experts), device=device)
    expert = torch.searchsorted(tile_ends, tile, right=True).clamp_(max=experts - 1)
    tiles_before = torch.cat((tile_ends.new_zeros(1), tile_ends[:-1]))
    first = starts[expert] + (tile - tiles_before[expert]) * _TILE_PAIRS
    return torch.stack((expert, first, ends[expert]), dim=1)


def _grouped_linear(
    x: torch.Tensor,
    x_rows: torch.Tensor,
    weights: torch.Tensor,
    out_rows: torch.Tensor,
    tiles: torch.Tensor,
) -> torch.Tensor:
    """Compute out[out_rows[i]] = weights[expert of sorted pair i] @ x[x_rows[i]].

    weights [E, N, K] of any strides; x_rows and out_rows [pairs] -> a new [pairs, N] in x's dtype.
    """
    columns, inner = weights.shape[1:]
    x = x if x.stride(-1) == 1 else x.contiguous()
    out = x.new_empty(x_rows.shape[0], columns)
    tile_columns = 64
    _grouped_linear_kernel[(tiles.shape[0], triton.cdiv(columns, tile_columns))](
        x, x_rows, weights, out_rows, tiles, out, x.stride(0), *weights.stride(), columns, inner,
        COMPUTE=compute_dtype(x), PAIRS=_TILE_PAIRS, COLUMNS=tile_columns, INNER=64,
    )  # fmt: skip
    return out


@jit
def _grouped_linear_kernel(  # type: ignore[no-untyped-def]  # Triton types the arguments at launch
    x_ptr, x_rows_ptr, weights_ptr, out_rows_ptr, tiles_ptr, out_ptr,
    x_stride, expert_stride, column_stride, inner_stride, columns, inner,
    COMPUTE: tl.constexpr, PAIRS: tl.constexpr, COLUMNS: tl.constexpr, INNER: tl.constexpr,
):  # fmt: skip
    tile = tiles_ptr + tl.program_id(0) * 3
    expert, first, end = tl.load(tile), tl.load(tile + 1), tl.load(tile + 2)
    if first < end:
        pair = first + tl.arange(0, PAIRS)
        real = pair < end
        column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
        x_row = x_ptr + tl.load(x_rows_ptr + pair, mask=real, other=0) * x_stride
        weight_row = weights_ptr + expert * expert_stride + column * column_stride
        products = tl.zeros((PAIRS, COLUMNS), tl.float32)
        for start in range(0, inner, INNER):
            k = start + tl.arange(0, INNER)
            inside = k < inner
            x_mask = real[:, None] & inside[None, :]
            x = tl.load(x_row[:, None] + k[None, :], mask=x_mask, other=0.0)
            weight_mask = inside[:, None] & (column < columns)[None, :]
            weight = weight_row[None, :] + k[:, None] * inner_stride
            weight = tl.load(weight, mask=weight_mask, other=0.0)
            products += tl.dot(x.to(COMPUTE), weight.to(COMPUTE), input_precision="ieee")
        out_row = out_ptr + tl.load(out_rows_ptr + pair, mask=real, other=0) * columns
        tl.store(
            out_row[:, None] + column[None, :],
            products.to(out_ptr.dtype.element_ty),
            mask=real[:, None] & (column < columns)[None, :],
        )
