"""Grouped-query attention over paged keys and values (Ainslie et al., arXiv:2305.13245).

A row of a page holds the rotated keys of all G key/value heads, then their values; H / G query heads share one.
"""

import torch
from torch.nn import functional as F

from kernels.page_rows import rows_of_sequence
from kernels.triton_import import compute_dtype, jit, runs_triton, tl, triton


def kv_attention(
    q: torch.Tensor,
    pages: torch.Tensor,
    page_table: torch.Tensor,
    lengths: torch.Tensor,
    scale: float,
    kv_heads: int,
) -> torch.Tensor:
    """softmax(q . key * scale) @ value for the last M tokens of each of B sequences, causal.

    q [B, M, H, D]; pages [P, S, 2*G*D] in q's dtype; page_table [B, N] int32, the page of each S tokens; lengths [B]
    int32, with the M new tokens (so at least M), whose rows are already in the pages; kv_heads is G, and query head
    h reads key/value head h // (H / G) -> a new [B, M, H, D] in q's dtype.

    Token m of sequence b is at position lengths[b] - M + m and sees the positions up to its own.
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
    out = torch.empty_like(q)
    for b, length in enumerate(lengths.tolist()):
        rows = rows_of_sequence(pages, page_table[b], length).view(length, 2, kv_heads, 1, width)
        keys, values = rows.permute(1, 2, 3, 0, 4).expand(2, kv_heads, heads // kv_heads, length, width)
        queries = q[b].view(new_tokens, kv_heads, -1, width).permute(1, 2, 0, 3)  # [G, H / G, M, D]
        visible = None  # a single new token sees everything
        if new_tokens > 1:
            visible = torch.ones(new_tokens, length, dtype=torch.bool, device=q.device).tril(length - new_tokens)
        mixed = F.scaled_dot_product_attention(queries, keys, values, attn_mask=visible, scale=scale)
        out[b] = mixed.permute(2, 0, 1, 3).flatten(1, 2)
    return out


def kv_attention_triton(
    q: torch.Tensor,
    pages: torch.Tensor,
    page_table: torch.Tensor,
    lengths: torch.Tensor,
    scale: float,
    kv_heads: int,
) -> torch.Tensor:
    """Launch a program for each 16 (token, head) rows that share a key/value head.

    The running softmax is FlashAttention's (arXiv:2205.14135, section 3.1).
    """
    sequences, new_tokens, heads, width = q.shape
    q, pages = (t if t.stride(-1) == 1 else t.contiguous() for t in (q, pages))
    out = q.new_empty(q.shape)
    queries_per_program = 16  # the least that a tensor core multiplies
    grid = (sequences, kv_heads, triton.cdiv(new_tokens * heads // kv_heads, queries_per_program))
    _kv_attention_kernel[grid](
        q, pages, page_table.contiguous(), lengths.contiguous(), out,
        *q.stride()[:3], *pages.stride()[:2], page_table.shape[1],
        scale, new_tokens, heads, heads // kv_heads, width, kv_heads * width, pages.shape[1],
        COMPUTE=compute_dtype(q), QUERIES=queries_per_program, KEYS=32,
        WIDTH=max(16, triton.next_power_of_2(width)),
    )  # fmt: skip
    return out


@jit
def _kv_attention_kernel(  # type: ignore[no-untyped-def]  # Triton types the arguments at launch
    q_ptr, pages_ptr, table_ptr, lengths_ptr, out_ptr,
    q_sequence_stride, q_token_stride, q_head_stride, page_stride, slot_stride, table_stride,
    scale, new_tokens, heads, group_heads, width, values_at, page_tokens,
    COMPUTE: tl.constexpr, QUERIES: tl.constexpr, KEYS: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    sequence = tl.program_id(0).to(tl.int64)
    kv_head = tl.program_id(1)
    length = tl.load(lengths_ptr + sequence)
    query = tl.program_id(2) * QUERIES + tl.arange(0, QUERIES)  # token-major (token, head of the group) pairs
    token = query // group_heads
    head = kv_head * group_heads + query % group_heads
    real = query < new_tokens * group_heads
    position = tl.where(real, length - new_tokens + token, 0)

    column = tl.arange(0, WIDTH)[None, :]
    inside = column < width
    q_row = (q_ptr + sequence * q_sequence_stride + token * q_token_stride + head * q_head_stride)[:, None]
    q = tl.load(q_row + column, mask=real[:, None] & inside, other=0.0).to(COMPUTE)

    highest = tl.full((QUERIES,), float("-inf"), tl.float32)
    total = tl.zeros((QUERIES,), tl.float32)
    weighted = tl.zeros((QUERIES, WIDTH), tl.float32)
    for start in range(0, tl.max(position, axis=0) + 1, KEYS):
        key = start + tl.arange(0, KEYS)
        written = key < length  # slots past it may hold NaN, and 0 * NaN is NaN
        entry = table_ptr + sequence * table_stride + key // page_tokens
        page = tl.load(entry, mask=written, other=0).to(tl.int64)
        row = pages_ptr + page * page_stride + (key % page_tokens) * slot_stride + kv_head * width
        row = row[:, None] + column
        known = written[:, None] & inside
        keys = tl.load(row, mask=known, other=0.0).to(COMPUTE)
        values = tl.load(row + values_at, mask=known, other=0.0).to(COMPUTE)
        scores = tl.dot(q, tl.trans(keys), input_precision="ieee")
        scores = tl.where(key[None, :] <= position[:, None], scores * scale, float("-inf"))
        # key 0 is visible to every query, so `highest` is finite from the first block on
        new_highest = tl.maximum(highest, tl.max(scores, axis=1))
        shrink = tl.exp(highest - new_highest)
        probability = tl.exp(scores - new_highest[:, None])
        total = total * shrink + tl.sum(probability, axis=1)
        weighted = weighted * shrink[:, None] + tl.dot(probability.to(COMPUTE), values, input_precision="ieee")
        highest = new_highest

    out_row = out_ptr + ((sequence * new_tokens + token) * heads + head) * width
    tl.store(
        out_row[:, None] + column,
        (weighted / total[:, None]).to(out_ptr.dtype.element_ty),
        mask=real[:, None] & inside,
    )
