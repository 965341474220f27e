"""Absorbed multi-head latent attention over paged latents (DeepSeek-V2, arXiv:2405.04434, 2.1.2).

The key up-projection is absorbed into the query and the value up-projection into the output, so all
heads attend to one shared row per token: the latent, followed by the rotated key.
"""

import torch

from kernels import triton_import
from kernels.few_shapes import pad_rows
from kernels.int8_rows import decode, load_values, scales_view
from kernels.page_rows import spans_of_sequence
from kernels.split_softmax import LOG2_E, combine_parts_triton, count_parts, new_parts
from kernels.triton_import import compute_dtype, jit_for_any, runs_triton, tl, triton, warps


def mla_attention(
    q: torch.Tensor,
    pages: torch.Tensor,
    page_table: torch.Tensor,
    lengths: torch.Tensor,
    scale: float,
    latent_dim: int,
) -> torch.Tensor:
    """softmax(q . row * scale) @ latent for the last M tokens of each of B sequences, causal.

    q [B, M, H, R+D]; pages [P, S, R+D] in q's dtype, or int8 rows of as many values (int8_rows.py);
    page_table [B, N] int32, the page of each S tokens; lengths [B] int32, with the M new tokens, whose
    rows are already in the pages; latent_dim is R -> a new [B, M, H, R] in q's dtype.

    Token m of sequence b is at position lengths[b] - M + m and sees the positions up to its own. One before the
    beginning, as all are where a length is 0, gets zeros.
    Slots past a length, and table entries past its last page, may hold anything, NaN included.
    """
    attend = mla_attention_triton if runs_triton(q) else mla_attention_reference
    return attend(q, pages, page_table, lengths, scale, latent_dim)


def mla_attention_reference(
    q: torch.Tensor,
    pages: torch.Tensor,
    page_table: torch.Tensor,
    lengths: torch.Tensor,
    scale: float,
    latent_dim: int,
) -> torch.Tensor:
    """Multiply in q's dtype, so that the cache is not converted, with the softmax in fp32.

    In bf16 the scores are rounded, as in the released eager code: about 1% of the result where the softmax is sharp.
    """
    sequences, new_tokens, heads, width = q.shape
    if pages.dtype == torch.int8:
        pages = decode(pages, width).to(q.dtype)
    queries = pad_rows(q.flatten(1, 2))  # [B, >= M * H, R + D], token-major; the outputs of the added rows are dropped
    out = q.new_empty(*queries.shape[:2], latent_dim)
    ahead = None  # a single new token sees everything
    if new_tokens > 1:  # only the new tokens' own columns can lie ahead of one of them
        ahead = torch.ones(new_tokens, new_tokens, dtype=torch.bool, device=q.device).triu(1)
        ahead = ahead.repeat_interleave(heads, dim=0)
    for b, length in enumerate(lengths.tolist()):
        unwritten = max(0, new_tokens - length)  # tokens before the beginning
        out[b, : unwritten * heads] = 0
        spans = spans_of_sequence(pages, page_table[b], length)
        for first in range(unwritten * heads, new_tokens * heads, _QUERIES_AT_ONCE):
            part = slice(first, first + _QUERIES_AT_ONCE)
            scores = torch.cat([torch.mm(queries[b, part], rows.T) for rows in spans], dim=-1).float().mul_(scale)
            scores[:, length:] = float("-inf")
            if ahead is not None:
                unseen = ahead[part, unwritten:]
                scores[: len(unseen), length - unseen.shape[1] : length].masked_fill_(unseen, float("-inf"))
            probabilities = torch.softmax(scores, dim=-1, out=scores).to(q.dtype)
            _mix(probabilities, spans, latent_dim, out[b, part])
    return out[:, : new_tokens * heads].view(sequences, new_tokens, heads, latent_dim)


def _mix(probabilities: torch.Tensor, spans: list[torch.Tensor], latent_dim: int, out: torch.Tensor) -> None:
    """Write the mean of the spans' latents by `probabilities` [M, L] into `out` [M, R]."""
    first, *others = torch.split(probabilities, [len(rows) for rows in spans], dim=-1)
    torch.mm(first.contiguous(), spans[0][:, :latent_dim], out=out)
    for part, rows in zip(others, spans[1:], strict=True):
        out += torch.mm(part.contiguous(), rows[:, :latent_dim])


_QUERIES_AT_ONCE = 256  # bounds the scores: 134 MB at 128K tokens, whatever the number of new tokens and heads


def mla_attention_triton(
    q: torch.Tensor,
    pages: torch.Tensor,
    page_table: torch.Tensor,
    lengths: torch.Tensor,
    scale: float,
    latent_dim: int,
) -> torch.Tensor:
    """Launch a program for each 16 or 32 (token, head) rows of a sequence and each part of its keys.

    A row that sees nothing, in a sequence of length 0, gets zeros. The running softmax is FlashAttention's
    (arXiv:2205.14135, section 3.1).
    """
    sequences, new_tokens, heads, width = q.shape
    q, pages = (t if t.stride(-1) == 1 else t.contiguous() for t in (q, pages))
    is_coded = pages.dtype == torch.int8
    out = q.new_empty(sequences, new_tokens, heads, latent_dim)
    # A tensor core multiplies no less than 16 rows; to decode int8, or with AMD's products, 32 need too many registers.
    queries = 16 if new_tokens * heads <= 16 or is_coded or triton_import.IS_AMD else 32
    blocks = triton.cdiv(new_tokens * heads, queries)
    parts = count_parts(sequences * blocks, page_table.shape[1] * pages.shape[1])
    means, logarithms = new_parts(out, parts) if parts > 1 else (out, out)
    _mla_attention_kernel[(blocks, parts, sequences)](
        q, pages, scales_view(pages, latent_dim) if is_coded else pages,
        page_table.contiguous(), lengths.contiguous(), means, logarithms,
        *q.stride()[:3], *pages.stride()[:2], page_table.shape[1],
        scale * LOG2_E, new_tokens, heads, latent_dim, width - latent_dim, pages.shape[1], parts,
        COMPUTE=compute_dtype(q), CODED=is_coded, SPLIT=parts > 1, QUERIES=queries, KEYS=16 if is_coded else 32,
        LATENT=max(16, triton.next_power_of_2(latent_dim)),
        ROTARY=max(16, triton.next_power_of_2(width - latent_dim)),
        num_warps=warps(8 if queries == 32 or is_coded else 4), num_stages=2,
    )  # fmt: skip
    if parts > 1:
        combine_parts_triton(means, logarithms, out)
    return out


@jit_for_any("table_ptr", "lengths_ptr", "new_tokens", "table_stride", "parts")
def _mla_attention_kernel(  # type: ignore[no-untyped-def]  # Triton types the arguments at launch
    q_ptr, pages_ptr, scales_ptr, table_ptr, lengths_ptr, means_ptr, logarithms_ptr,
    q_sequence_stride, q_token_stride, q_head_stride, page_stride, slot_stride, table_stride,
    scale, new_tokens, heads, latent_dim, rotary_dim, page_tokens, parts,
    COMPUTE: tl.constexpr, CODED: tl.constexpr, SPLIT: tl.constexpr, QUERIES: tl.constexpr, KEYS: tl.constexpr,
    LATENT: tl.constexpr, ROTARY: tl.constexpr,
):  # fmt: skip
    sequence = tl.program_id(2).to(tl.int64)
    length = tl.load(lengths_ptr + sequence)
    query = tl.program_id(0) * QUERIES + tl.arange(0, QUERIES)  # token-major (token, head) pairs
    token = query // heads
    real = query < new_tokens * heads
    position = tl.where(real, length - new_tokens + token, -1)

    latent = tl.arange(0, LATENT)[None, :]
    rotary = tl.arange(0, ROTARY)[None, :]
    in_latent = latent < latent_dim
    q_row = q_ptr + sequence * q_sequence_stride + token * q_token_stride
    q_row = (q_row + (query % heads) * q_head_stride)[:, None]
    real_row = real[:, None]
    q_latent = tl.load(q_row + latent, mask=real_row & in_latent, other=0.0).to(COMPUTE)
    q_rotary = tl.load(q_row + latent_dim + rotary, mask=real_row & (rotary < rotary_dim), other=0.0).to(COMPUTE)

    highest = tl.full((QUERIES,), float("-inf"), tl.float32)
    total = tl.zeros((QUERIES,), tl.float32)
    weighted = tl.zeros((QUERIES, LATENT), tl.float32)
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
            scales = scales_ptr + (slot + latent_dim + rotary_dim) // 2
        k_latent = load_values(row, scales, 0, latent_dim, known, COMPUTE, CODED, KEYS, LATENT)
        k_rotary = load_values(row, scales, latent_dim, rotary_dim, known, COMPUTE, CODED, KEYS, ROTARY)
        scores = tl.dot(q_latent, tl.trans(k_latent), input_precision="ieee")
        scores += tl.dot(q_rotary, tl.trans(k_rotary), input_precision="ieee")
        scores = tl.where(key[None, :] <= position[:, None], scores * scale, float("-inf"))
        new_highest = tl.maximum(highest, tl.max(scores, axis=1))
        offset = tl.where(new_highest == float("-inf"), 0.0, new_highest)  # a row may see none of the keys so far
        shrink = tl.exp2(highest - offset)
        probability = tl.exp2(scores - offset[:, None])
        total = total * shrink + tl.sum(probability, axis=1)
        weighted = weighted * shrink[:, None]
        weighted += tl.dot(probability.to(COMPUTE), k_latent, input_precision="ieee")
        highest = new_highest

    row = sequence * new_tokens * heads + query
    mean = weighted / tl.where(total > 0, total, 1.0)[:, None]
    stored = real_row & in_latent
    if SPLIT:
        row = row * parts + tl.program_id(1)
        logarithm = tl.where(total > 0, highest + tl.log2(tl.where(total > 0, total, 1.0)), float("-inf"))
        tl.store(logarithms_ptr + row, logarithm, mask=real)
        stored = stored & (total > 0)[:, None]
    mean_row = means_ptr + row[:, None] * latent_dim
    tl.store(mean_row + latent, mean.to(means_ptr.dtype.element_ty), mask=stored)
