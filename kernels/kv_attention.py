"""Grouped-query attention over paged keys and values (Ainslie et al., arXiv:2305.13245).

A row of a page holds the rotated keys of all G key/value heads, then their values; H / G query heads share one.
"""

import torch
from torch.nn import functional as F

from kernels.int8_rows import decode, load_values, scales_view
from kernels.page_rows import rows_of_sequence
from kernels.split_softmax import LOG2_E, combine_parts_triton, count_parts, new_parts
from kernels.triton_import import compute_dtype, jit_for_any, runs_triton, tl, triton


def kv_attention(
    q: torch.Tensor,
    pages: torch.Tensor,
    page_table: torch.Tensor,
    lengths: torch.Tensor,
    scale: float,
    kv_heads: int,
) -> torch.Tensor:
    """softmax(q . key * scale) @ value for the last M tokens of each of B sequences, causal.

    q [B, M, H, D]; pages [P, S, 2*G*D] in q's dtype, or int8 rows of as many values (int8_rows.py); page_table [B, N]
    int32, the page of each S tokens; lengths [B] int32, with the M new tokens, whose rows are already in the pages;
    kv_heads is G, and query head h reads key/value head h // (H / G) -> a new [B, M, H, D] in q's dtype.

    Token m of sequence b is at position lengths[b] - M + m and sees the positions up to its own. One before the
    beginning, as all are where a length is 0, gets zeros.
    Slots past a length, and table entries past its last page, may hold anything, NaN included.
    """
    attend = kv_attention_triton if runs_triton(q) else kv_attention_reference
    return attend(q, pages, page_table, lengths, scale, kv_heads)


def kv_attention_reference(
    q: torch.Tensor,
    pages: torch.Tensor,
    page_table: torch.Tensor,
    lengths: torch.Tensor,
    scale: float,
    kv_heads: int,
) -> torch.Tensor:
    """Run torch's own attention, sequence by sequence; the keys are views of consecutive pages, else copies."""
    _, new_tokens, heads, width = q.shape
    if pages.dtype == torch.int8:
        pages = decode(pages, 2 * kv_heads * width).to(q.dtype)
    out = torch.empty_like(q)
    for b, length in enumerate(lengths.tolist()):
        seen = min(new_tokens, length)
        out[b, : new_tokens - seen] = 0
        if not seen:
            continue
        rows = rows_of_sequence(pages, page_table[b], length).view(length, 2, kv_heads, 1, width)
        keys, values = rows.permute(1, 2, 3, 0, 4).expand(2, kv_heads, heads // kv_heads, length, width)
        queries = q[b, new_tokens - seen :].view(seen, kv_heads, -1, width).permute(1, 2, 0, 3)  # [G, H / G, seen, D]
        visible = None  # a single new token sees everything
        if seen > 1:
            visible = torch.ones(seen, length, dtype=torch.bool, device=q.device).tril(length - seen)
        mixed = F.scaled_dot_product_attention(queries, keys, values, attn_mask=visible, scale=scale)
        out[b, new_tokens - seen :] = mixed.permute(2, 0, 1, 3).flatten(1, 2)
    return out


def kv_attention_triton(
    q: torch.Tensor,
    pages: torch.Tensor,
    page_table: torch.Tensor,
    lengths: torch.Tensor,
    scale: float,
    kv_heads: int,
) -> torch.Tensor:
    """Launch a program for each 16 or 64 (token, head) rows that share a key/value head, and each part of their keys.

    A row that sees nothing, in a sequence of length 0, gets zeros. The running softmax is FlashAttention's
    (arXiv:2205.14135, section 3.1).
    """
    sequences, new_tokens, heads, width = q.shape
    q, pages = (t if t.stride(-1) == 1 else t.contiguous() for t in (q, pages))
    is_coded = pages.dtype == torch.int8
    out = q.new_empty(q.shape)
    rows = new_tokens * heads // kv_heads
    queries = 16 if rows <= 16 else 64  # a tensor core multiplies no less than 16
    blocks = triton.cdiv(rows, queries)
    parts = count_parts(sequences * kv_heads * blocks, page_table.shape[1] * pages.shape[1])
    means, logarithms = new_parts(out, parts) if parts > 1 else (out, out)
    _kv_attention_kernel[(blocks * kv_heads, parts, sequences)](
        q, pages, scales_view(pages, width) if is_coded else pages,
        page_table.contiguous(), lengths.contiguous(), means, logarithms,
        *q.stride()[:3], *pages.stride()[:2], page_table.shape[1],
        scale * LOG2_E, new_tokens, heads, heads // kv_heads, width, kv_heads, pages.shape[1], parts,
        COMPUTE=compute_dtype(q), CODED=is_coded, SPLIT=parts > 1, QUERIES=queries, KEYS=16 if is_coded else 32,
        WIDTH=max(16, triton.next_power_of_2(width)),
        num_warps=4, num_stages=2,
    )  # fmt: skip
    if parts > 1:
        combine_parts_triton(means, logarithms, out)
    return out


@jit_for_any("table_ptr", "lengths_ptr", "new_tokens", "table_stride", "parts")
def _kv_attention_kernel(  # type: ignore[no-untyped-def]  # Triton types the arguments at launch
    q_ptr, pages_ptr, scales_ptr, table_ptr, lengths_ptr, means_ptr, logarithms_ptr,
    q_sequence_stride, q_token_stride, q_head_stride, page_stride, slot_stride, table_stride,
    scale, new_tokens, heads, group_heads, width, kv_heads, page_tokens, parts,
    COMPUTE: tl.constexpr, CODED: tl.constexpr, SPLIT: tl.constexpr,
    QUERIES: tl.constexpr, KEYS: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    sequence = tl.program_id(2).to(tl.int64)
    kv_head = tl.program_id(0) % kv_heads
    length = tl.load(lengths_ptr + sequence)
    query = tl.program_id(0) // kv_heads * QUERIES + tl.arange(
        0, QUERIES
    )  # token-major (token, head of the group) pairs
    token = query // group_heads
    head = kv_head * group_heads + query % group_heads
    real = query < new_tokens * group_heads
    position = tl.where(real, length - new_tokens + token, -1)

    column = tl.arange(0, WIDTH)[None, :]
    inside = column < width
    q_row = (q_ptr + sequence * q_sequence_stride + token * q_token_stride + head * q_head_stride)[:, None]
    q = tl.load(q_row + column, mask=real[:, None] & inside, other=0.0).to(COMPUTE)

    highest = tl.full((QUERIES,), float("-inf"), tl.float32)
    total = tl.zeros((QUERIES,), tl.float32)
    weighted = tl.zeros((QUERIES, WIDTH), tl.float32)
    part_keys = tl.cdiv(tl.cdiv(length, parts), KEYS) * KEYS
    part_start = tl.program_id(1) * part_keys
    part_end = tl.minimum(part_start + part_keys, tl.max(position, axis=0) + 1)
    for start in range(part_start, part_end, KEYS):
        key = start + tl.arange(0, KEYS)
        written = key < length  # slots past it may hold NaN, and 0 * NaN is NaN
        page = tl.load(table_ptr + sequence * table_stride + key // page_tokens, mask=written, other=0).to(tl.int64)
        slot = (page * page_stride + (key % page_tokens) * slot_stride)[:, None]
        row, scales, known = pages_ptr + slot, scales_ptr, written[:, None]
        if CODED:
            scales = scales_ptr + (slot + 2 * kv_heads * width) // 2
        keys_at, values_at = kv_head * width, (kv_heads + kv_head) * width
        keys = load_values(row, scales, keys_at, width, known, COMPUTE, CODED, KEYS, WIDTH)
        values = load_values(row, scales, values_at, width, known, COMPUTE, CODED, KEYS, WIDTH)
        scores = tl.dot(q, tl.trans(keys), input_precision="ieee")
        scores = tl.where(key[None, :] <= position[:, None], scores * scale, float("-inf"))
        new_highest = tl.maximum(highest, tl.max(scores, axis=1))
        offset = tl.where(new_highest == float("-inf"), 0.0, new_highest)  # a row may see none of the keys so far
        shrink = tl.exp2(highest - offset)
        probability = tl.exp2(scores - offset[:, None])
        total = total * shrink + tl.sum(probability, axis=1)
        weighted = weighted * shrink[:, None] + tl.dot(probability.to(COMPUTE), values, input_precision="ieee")
        highest = new_highest

    row = (sequence * new_tokens + token) * heads + head
    mean = weighted / tl.where(total > 0, total, 1.0)[:, None]
    stored = real[:, None] & inside
    if SPLIT:
        row = row * parts + tl.program_id(1)
        logarithm = tl.where(total > 0, highest + tl.log2(tl.where(total > 0, total, 1.0)), float("-inf"))
        tl.store(logarithms_ptr + row, logarithm, mask=real)
        stored = stored & (total > 0)[:, None]
    mean_row = means_ptr + row[:, None] * width
    tl.store(mean_row + column, mean.to(means_ptr.dtype.element_ty), mask=stored)
