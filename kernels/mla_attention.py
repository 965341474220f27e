"""Absorbed multi-head latent attention over paged latents (DeepSeek-V2, arXiv:2405.04434, 2.1.2).

The key up-projection is absorbed into the query and the value up-projection into the output, so all
heads attend to one shared row per token: the latent, followed by the rotated key.
"""

import torch

from kernels.few_shapes import pad_rows
from kernels.page_rows import spans_of_sequence
from kernels.triton_import import compute_dtype, jit, runs_triton, tl, triton


def mla_attention(
    q: torch.Tensor,
    pages: torch.Tensor,
    page_table: torch.Tensor,
    lengths: torch.Tensor,
    scale: float,
    latent_dim: int,
) -> torch.Tensor:
    """softmax(q . row * scale) @ latent for the last M tokens of each of B sequences, causal.

    q [B, M, H, R+D]; pages [P, S, R+D] in q's dtype; page_table [B, N] int32, the page of each S
    tokens; lengths [B] int32, with the M new tokens (so at least M), whose rows are already in the
    pages; latent_dim is R -> a new [B, M, H, R] in q's dtype.

    Token m of sequence b is at position lengths[b] - M + m and sees the positions up to its own.
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
    sequences, new_tokens, heads, _ = q.shape
    queries = pad_rows(q.flatten(1, 2))  # [B, >= M * H, R + D], token-major; the outputs of the added rows are dropped
    out = q.new_empty(*queries.shape[:2], latent_dim)
    ahead = None  # a single new token sees everything
    if new_tokens > 1:  # only the new tokens' own columns can lie ahead of one of them
        ahead = torch.ones(new_tokens, new_tokens, dtype=torch.bool, device=q.device).triu(1)
        ahead = ahead.repeat_interleave(heads, dim=0)
    for b, length in enumerate(lengths.tolist()):
        spans = spans_of_sequence(pages, page_table[b], length)
        for first in range(0, new_tokens * heads, _QUERIES_AT_ONCE):
            part = slice(first, first + _QUERIES_AT_ONCE)
            scores = torch.cat([torch.mm(queries[b, part], rows.T) for rows in spans], dim=-1).float().mul_(scale)
            scores[:, length:] = float("-inf")
            if ahead is not None:
                unseen = ahead[part]
                scores[: len(unseen), length - new_tokens : length].masked_fill_(unseen, float("-inf"))
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
    """Launch a program for each 16 (token, head) rows of a sequence.

    The running softmax is FlashAttention's (arXiv:2205.14135, section 3.1).
    """
    sequences, new_tokens, heads, width = q.shape
    q, pages = (t if t.stride(-1) == 1 else t.contiguous() for t in (q, pages))
    out = q.new_empty(sequences, new_tokens, heads, latent_dim)
    queries_per_program = 16  # the least that a tensor core multiplies
    grid = (sequences, triton.cdiv(new_tokens * heads, queries_per_program))
    _mla_attention_kernel[grid](
        q, pages, page_table.contiguous(), lengths.contiguous(), out,
        *q.stride()[:3], *pages.stride()[:2], page_table.shape[1],
        scale, new_tokens, heads, latent_dim, width - latent_dim, pages.shape[1],
        COMPUTE=compute_dtype(q), QUERIES=queries_per_program, KEYS=32,
        LATENT=max(16, triton.next_power_of_2(latent_dim)),
        ROTARY=max(16, triton.next_power_of_2(width - latent_dim)),
    )  # fmt: skip
    return out


@jit
def _mla_attention_kernel(  # type: ignore[no-untyped-def]  # Triton types the arguments at launch
    q_ptr, pages_ptr, table_ptr, lengths_ptr, out_ptr,
    q_sequence_stride, q_token_stride, q_head_stride, page_stride, slot_stride, table_stride,
    scale, new_tokens, heads, latent_dim, rotary_dim, page_tokens,
    COMPUTE: tl.constexpr, QUERIES: tl.constexpr, KEYS: tl.constexpr,
    LATENT: tl.constexpr, ROTARY: tl.constexpr,
):  # fmt: skip
    sequence = tl.program_id(0).to(tl.int64)
    length = tl.load(lengths_ptr + sequence)
    query = tl.program_id(1) * QUERIES + tl.arange(0, QUERIES)  # token-major (token, head) pairs
    token = query // heads
    real = query < new_tokens * heads
    position = tl.where(real, length - new_tokens + token, 0)

    latent = tl.arange(0, LATENT)[None, :]
    rotary = tl.arange(0, ROTARY)[None, :]
    in_latent = latent < latent_dim
    in_rotary = rotary < rotary_dim
    q_row = q_ptr + sequence * q_sequence_stride + token * q_token_stride
    q_row = (q_row + (query % heads) * q_head_stride)[:, None]
    real_row = real[:, None]
    q_latent = tl.load(q_row + latent, mask=real_row & in_latent, other=0.0).to(COMPUTE)
    q_rotary = tl.load(q_row + latent_dim + rotary, mask=real_row & in_rotary, other=0.0).to(COMPUTE)

    highest = tl.full((QUERIES,), float("-inf"), tl.float32)
    total = tl.zeros((QUERIES,), tl.float32)
    weighted = tl.zeros((QUERIES, LATENT), tl.float32)
    for start in range(0, tl.max(position, axis=0) + 1, KEYS):
        key = start + tl.arange(0, KEYS)
        written = key < length  # slots past it may hold NaN, and 0 * NaN is NaN
        entry = table_ptr + sequence * table_stride + key // page_tokens
        page = tl.load(entry, mask=written, other=0).to(tl.int64)
        row = (pages_ptr + page * page_stride + (key % page_tokens) * slot_stride)[:, None]
        known = written[:, None]
        k_latent = tl.load(row + latent, mask=known & in_latent, other=0.0).to(COMPUTE)
        k_rotary = tl.load(row + latent_dim + rotary, mask=known & in_rotary, other=0.0).to(COMPUTE)
        scores = tl.dot(q_latent, tl.trans(k_latent), input_precision="ieee")
        scores += tl.dot(q_rotary, tl.trans(k_rotary), input_precision="ieee")
        scores = tl.where(key[None, :] <= position[:, None], scores * scale, float("-inf"))
        # key 0 is visible to every query, so `highest` is finite from the first block on
        new_highest = tl.maximum(highest, tl.max(scores, axis=1))
        shrink = tl.exp(highest - new_highest)
        probability = tl.exp(scores - new_highest[:, None])
        total = total * shrink + tl.sum(probability, axis=1)
        weighted = weighted * shrink[:, None]
        weighted += tl.dot(probability.to(COMPUTE), k_latent, input_precision="ieee")
        highest = new_highest

    out_row = out_ptr + (sequence * new_tokens * heads + query) * latent_dim
    tl.store(
        out_row[:, None] + latent,
        (weighted / total[:, None]).to(out_ptr.dtype.element_ty),
        mask=real_row & in_latent,
    )
