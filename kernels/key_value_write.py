"""Rotates queries and keys, and writes what grouped-query attention caches of new tokens, in one go."""

import torch

from kernels.int8_rows import SCALED_VALUES, encode, scales_view, store_values
from kernels.page_write import write_pages
from kernels.rope import apply_rope_reference
from kernels.triton_import import jit, runs_triton, tl, triton


def rotate_and_write(
    pages: torch.Tensor,
    slots: torch.Tensor,
    projected: torch.Tensor,
    heads: int,
    cos: torch.Tensor,
    sin: torch.Tensor,
) -> torch.Tensor:
    """Write [rope(keys), values] of projected [T, H + 2*G, D] into pages [P, S, 2*G*D] in place; rotate the queries.

    The first H heads are queries -> a new [T, H, D]. slots [T] int64 are flat, as in write_pages; a negative one is
    skipped. cos, sin [T, D/2] in fp32. The pages have the type of `projected`, or hold int8 rows of as many values
    (int8_rows.py).
    """
    run = rotate_and_write_triton if runs_triton(pages) else rotate_and_write_reference
    return run(pages, slots, projected, heads, cos, sin)


def rotate_and_write_reference(
    pages: torch.Tensor,
    slots: torch.Tensor,
    projected: torch.Tensor,
    heads: int,
    cos: torch.Tensor,
    sin: torch.Tensor,
) -> torch.Tensor:
    values_at = heads + (projected.shape[1] - heads) // 2
    rotated = apply_rope_reference(projected[:, :values_at], cos, sin)
    rows = torch.cat((rotated[:, heads:], projected[:, values_at:]), dim=1).flatten(1)
    write_pages(pages, slots, encode(rows) if pages.dtype == torch.int8 else rows)
    return rotated[:, :heads]


def rotate_and_write_triton(
    pages: torch.Tensor,
    slots: torch.Tensor,
    projected: torch.Tensor,
    heads: int,
    cos: torch.Tensor,
    sin: torch.Tensor,
) -> torch.Tensor:
    """Launch a program for each token and head."""
    tokens, all_heads, width = projected.shape
    is_coded = pages.dtype == torch.int8
    rows = pages.view(-1, pages.shape[-1])
    projected = projected if projected.stride(-1) == 1 else projected.contiguous()
    queries = projected.new_empty(tokens, heads, width)
    if tokens:
        _rotate_and_write_kernel[(tokens, all_heads)](
            rows, scales_view(rows, width) if is_coded else rows, slots.contiguous(), projected, queries,
            cos.contiguous(), sin.contiguous(), rows.stride(0), projected.stride(0), projected.stride(1),
            heads, (all_heads - heads) // 2, width // 2,
            CODED=is_coded, PAIRS=triton.next_power_of_2(max(width, SCALED_VALUES) // 2), num_warps=1,
        )  # fmt: skip
    return queries


@jit
def _rotate_and_write_kernel(  # type: ignore[no-untyped-def]  # Triton types the arguments at launch
    rows_ptr, scales_ptr, slots_ptr, projected_ptr, queries_ptr, cos_ptr, sin_ptr,
    row_stride, token_stride, head_stride, heads, kv_heads, pairs, CODED: tl.constexpr, PAIRS: tl.constexpr,
):  # fmt: skip
    token = tl.program_id(0).to(tl.int64)
    head = tl.program_id(1)
    dtype = projected_ptr.dtype.element_ty
    pair = tl.arange(0, PAIRS)
    # A value is not rotated, which is a rotation by no angle.
    is_rotated = (pair < pairs) & (head < heads + kv_heads)
    cos = tl.load(cos_ptr + token * pairs + pair, mask=is_rotated, other=1.0)
    sin = tl.load(sin_ptr + token * pairs + pair, mask=is_rotated, other=0.0)
    source = projected_ptr + token * token_stride + head * head_stride + 2 * pair
    even = tl.load(source, mask=pair < pairs, other=0.0).to(tl.float32)
    odd = tl.load(source + 1, mask=pair < pairs, other=0.0).to(tl.float32)
    rotated = tl.interleave((even * cos - odd * sin).to(dtype), (even * sin + odd * cos).to(dtype))
    if head < heads:
        column = tl.arange(0, 2 * PAIRS)
        query = queries_ptr + (token * heads + head) * 2 * pairs + column
        tl.store(query, rotated, mask=column < 2 * pairs)
    else:
        slot = tl.load(slots_ptr + token)
        if slot >= 0:
            scales = scales_ptr + (slot * row_stride + 4 * kv_heads * pairs) // 2
            first = (head - heads) * 2 * pairs
            store_values(rows_ptr + slot * row_stride, scales, first, 2 * pairs, rotated, CODED, 2 * PAIRS)
