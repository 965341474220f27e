"""Multi-head latent attention of a long prefill (DeepSeek-V2, arXiv:2405.04434, 2.1.1): keys and values are expanded.

On a GPU a chunk of the context is expanded at a time, and what the queries get from it is merged with what they got
from the chunks before by the logarithms of their sums of exponentials: the expanded keys take the memory of one chunk.
"""

import torch
from torch.nn import functional as F

from kernels.few_shapes import pad_rows, round_up
from kernels.int8_rows import decode
from kernels.page_rows import rows_of_sequence
from kernels.split_softmax import LOG2_E
from kernels.triton_import import compute_dtype, jit_for_any, runs_triton, tl, triton, warps

_CHUNK_TOKENS = 4096


def expanded_attention(
    q_nope: torch.Tensor,
    q_rope: torch.Tensor,
    pages: torch.Tensor,
    page_table: torch.Tensor,
    length: int,
    key_up: torch.Tensor,
    value_up: torch.Tensor,
    scale: float,
) -> torch.Tensor:
    """Attend causally from the last M of a sequence's `length` tokens, whose rows are in the pages.

    q_nope [M, H, N], q_rope [M, H, D]; pages [P, S, R + D] in their type, or int8 rows of as many values
    (int8_rows.py); page_table [N] int32, the page of each S tokens; key_up [H, N, R], value_up [H, V, R] -> a new
    [M, H, V]. Slots past the length may hold anything.
    """
    run = expanded_attention_triton if runs_triton(q_nope) else expanded_attention_reference
    return run(q_nope, q_rope, pages, page_table, length, key_up, value_up, scale)


def expanded_attention_reference(
    q_nope: torch.Tensor,
    q_rope: torch.Tensor,
    pages: torch.Tensor,
    page_table: torch.Tensor,
    length: int,
    key_up: torch.Tensor,
    value_up: torch.Tensor,
    scale: float,
) -> torch.Tensor:
    """Expand the whole context, and run torch's own attention."""
    new_tokens, value_width = len(q_nope), value_up.shape[1]
    keys = round_up(length)
    rows = _rows(pages, page_table, length, key_up.shape[2] + q_rope.shape[2], q_nope.dtype)
    latent, k_rope = torch.split(F.pad(rows, (0, 0, 0, keys - length)), [key_up.shape[2], q_rope.shape[2]], dim=-1)
    k_nope = torch.einsum("lr,hnr->hln", latent, key_up)
    k = torch.cat([k_nope, k_rope.expand(len(k_nope), -1, -1)], dim=-1)  # [H, L, N + D]
    v = torch.einsum("lr,hvr->hlv", latent, value_up)
    q = pad_rows(torch.cat([q_nope, q_rope], dim=-1).transpose(0, 1))  # [H, >= M, N + D]
    # A value width other than the key width leaves SDPA's fast path.
    v = F.pad(v, (0, k.shape[-1] - value_width)) if value_width < k.shape[-1] else v
    new = torch.arange(length - new_tokens, length, device=q.device)
    visible = q.new_zeros(q.shape[1], keys, dtype=torch.bool)
    visible[:new_tokens] = torch.arange(keys, device=q.device) <= new[:, None]
    visible[new_tokens:, 0] = True  # a row that sees nothing would be NaN
    out = F.scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=visible, scale=scale)
    return out[0, :, :new_tokens, :value_width].transpose(0, 1)


def _rows(pages: torch.Tensor, table: torch.Tensor, length: int, width: int, dtype: torch.dtype) -> torch.Tensor:
    rows = rows_of_sequence(pages, table, length)
    return decode(rows, width).to(dtype) if rows.dtype == torch.int8 else rows


def expanded_attention_triton(
    q_nope: torch.Tensor,
    q_rope: torch.Tensor,
    pages: torch.Tensor,
    page_table: torch.Tensor,
    length: int,
    key_up: torch.Tensor,
    value_up: torch.Tensor,
    scale: float,
) -> torch.Tensor:
    """Launch a program for each 64 tokens and head, once for each chunk of the context."""
    new_tokens, heads, width = q_nope.shape
    latent_dim, rotary, value_width = key_up.shape[2], q_rope.shape[2], value_up.shape[1]
    q_nope, q_rope = (q if q.stride(-1) == 1 else q.contiguous() for q in (q_nope, q_rope))
    out = q_nope.new_empty(new_tokens, heads, value_width)
    is_one_chunk = length <= _CHUNK_TOKENS
    means = out if is_one_chunk else torch.empty_like(out, dtype=torch.float32)
    logarithms = means if is_one_chunk else means.new_empty(new_tokens, heads)
    for first in range(0, length, _CHUNK_TOKENS):
        rows = _chunk(pages, page_table, first, min(_CHUNK_TOKENS, length - first), latent_dim + rotary, q_nope.dtype)
        keys = rows[:, :latent_dim] @ key_up.mT  # [H, L, N]
        values = rows[:, :latent_dim] @ value_up.mT
        _expanded_attention_kernel[(triton.cdiv(new_tokens, 64), heads)](
            q_nope, q_rope, keys, rows, values, out, means, logarithms,
            *q_nope.stride()[:2], *q_rope.stride()[:2], rows.stride(0),
            scale * LOG2_E, new_tokens, length - new_tokens, first, len(rows), heads, width, rotary, value_width,
            latent_dim,
            COMPUTE=compute_dtype(q_nope), IS_FIRST=first == 0, IS_LAST=first + len(rows) == length,
            QUERIES=64, KEYS=32, NOPE=max(16, triton.next_power_of_2(width)),
            ROPE=max(16, triton.next_power_of_2(rotary)), VALUE=max(16, triton.next_power_of_2(value_width)),
            num_warps=warps(8), num_stages=2,
        )  # fmt: skip
    return out


def _chunk(
    pages: torch.Tensor, table: torch.Tensor, first: int, count: int, width: int, dtype: torch.dtype
) -> torch.Tensor:
    """Gather `count` rows [count, width] of a sequence, without asking the GPU for the numbers of its pages."""
    page_tokens = pages.shape[1]
    ids = table[first // page_tokens : -(-(first + count) // page_tokens)]
    rows = pages.index_select(0, ids).flatten(0, 1)[first % page_tokens :][:count]
    return decode(rows, width).to(dtype) if rows.dtype == torch.int8 else rows


@jit_for_any("new_tokens", "before", "first", "count")
def _expanded_attention_kernel(  # type: ignore[no-untyped-def]  # Triton types the arguments at launch
    q_nope_ptr, q_rope_ptr, keys_ptr, rows_ptr, values_ptr, out_ptr, means_ptr, logarithms_ptr,
    nope_token_stride, nope_head_stride, rope_token_stride, rope_head_stride, row_stride,
    scale, new_tokens, before, first, count, heads, width, rotary, value_width, latent_dim,
    COMPUTE: tl.constexpr, IS_FIRST: tl.constexpr, IS_LAST: tl.constexpr,
    QUERIES: tl.constexpr, KEYS: tl.constexpr, NOPE: tl.constexpr, ROPE: tl.constexpr, VALUE: tl.constexpr,
):  # fmt: skip
    token = (tl.program_id(0) * QUERIES + tl.arange(0, QUERIES)).to(tl.int64)
    head = tl.program_id(1).to(tl.int64)
    real = token < new_tokens
    position = before + token - first  # in the chunk

    nope, rope, value = tl.arange(0, NOPE)[None, :], tl.arange(0, ROPE)[None, :], tl.arange(0, VALUE)[None, :]
    q_nope = q_nope_ptr + token[:, None] * nope_token_stride + head * nope_head_stride + nope
    q_nope = tl.load(q_nope, mask=real[:, None] & (nope < width), other=0.0).to(COMPUTE)
    q_rope = q_rope_ptr + token[:, None] * rope_token_stride + head * rope_head_stride + rope
    q_rope = tl.load(q_rope, mask=real[:, None] & (rope < rotary), other=0.0).to(COMPUTE)

    highest = tl.full((QUERIES,), float("-inf"), tl.float32)
    total = tl.zeros((QUERIES,), tl.float32)
    weighted = tl.zeros((QUERIES, VALUE), tl.float32)
    end = tl.minimum(count, tl.max(tl.where(real, position, -1), axis=0).to(tl.int32) + 1)
    for start in range(0, end, KEYS):
        key = start + tl.arange(0, KEYS)
        known = (key < count)[:, None]
        row = (head * count + key)[:, None]
        k_nope = tl.load(keys_ptr + row * width + nope, mask=known & (nope < width), other=0.0).to(COMPUTE)
        k_rope = rows_ptr + key.to(tl.int64)[:, None] * row_stride + latent_dim + rope
        k_rope = tl.load(k_rope, mask=known & (rope < rotary), other=0.0).to(COMPUTE)
        scores = tl.dot(q_nope, tl.trans(k_nope), input_precision="ieee")
        scores += tl.dot(q_rope, tl.trans(k_rope), input_precision="ieee")
        scores = tl.where(known.T & (key[None, :] <= position[:, None]), scores * scale, float("-inf"))
        new_highest = tl.maximum(highest, tl.max(scores, axis=1))
        offset = tl.where(new_highest == float("-inf"), 0.0, new_highest)  # a row may see none of the keys so far
        shrink = tl.exp2(highest - offset)
        probability = tl.exp2(scores - offset[:, None])
        total = total * shrink + tl.sum(probability, axis=1)
        values = tl.load(values_ptr + row * value_width + value, mask=known & (value < value_width), other=0.0)
        weighted = weighted * shrink[:, None]
        weighted += tl.dot(probability.to(COMPUTE), values.to(COMPUTE), input_precision="ieee")
        highest = new_highest

    row = token * heads + head
    target = row[:, None] * value_width + value
    stored = real[:, None] & (value < value_width)
    if not IS_FIRST:  # key 0 is in the first chunk, so every query has a finite logarithm from there
        old = tl.load(logarithms_ptr + row, mask=real, other=0.0)
        offset = tl.maximum(old, highest)
        share, old_share = tl.exp2(highest - offset), tl.exp2(old - offset)
        mean = tl.load(means_ptr + target, mask=stored, other=0.0)
        weighted = weighted * share[:, None] + mean * old_share[:, None]
        total = total * share + old_share
        highest = offset
    total = tl.where(real, total, 1.0)
    mean = weighted / total[:, None]
    if IS_LAST:
        tl.store(out_ptr + target, mean.to(out_ptr.dtype.element_ty), mask=stored)
    else:
        tl.store(means_ptr + target, mean, mask=stored)
        tl.store(logarithms_ptr + row, highest + tl.log2(total), mask=real)
