"""The work of one step: the new tokens of several sequences, packed into a ragged batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from inference.cache.page_pool import PAGE_TOKENS


@dataclass(frozen=True)
class Segment:
    """The new tokens of one sequence: rows [start, start + count) of the batch."""

    start: int
    count: int
    length: int  # tokens of the sequence after this step, the new ones included
    page_table: Tensor  # [N] int32, N >= ceil(length / PAGE_TOKENS)


@dataclass(frozen=True)
class Batch:
    """T new tokens in all. The model returns the logits of `logit_rows`."""

    tokens: Tensor  # [T] int64
    positions: Tensor  # [T] int64
    slots: Tensor  # [T] int64: page * PAGE_TOKENS + offset, where each token's cache entry goes
    segments: tuple[Segment, ...]
    logit_rows: Tensor  # [L] int64


@dataclass(frozen=True)
class Work:
    """The part of a sequence in a step: `tokens` begin at position `start`; all pages are allocated.

    The model returns the logits of the last `logit_tokens` tokens: a known one, and the drafted ones behind it.
    """

    tokens: Sequence[int]
    start: int
    pages: Sequence[int]
    logit_tokens: int


def pack_batch(works: Sequence[Work], device: torch.device) -> Batch:
    """Lay the works behind one another. No work may be empty: a zero-length segment corrupts attention."""
    tokens: list[int] = []
    positions: list[int] = []
    slots: list[int] = []
    segments: list[Segment] = []
    logit_rows: list[int] = []
    for work in works:
        first_row = len(tokens)
        tokens.extend(work.tokens)
        span = range(work.start, work.start + len(work.tokens))
        positions.extend(span)
        slots.extend(work.pages[p // PAGE_TOKENS] * PAGE_TOKENS + p % PAGE_TOKENS for p in span)
        used_pages = work.pages[: -(-span.stop // PAGE_TOKENS)]
        table = torch.tensor(used_pages, dtype=torch.int32, device=device)
        segments.append(Segment(first_row, len(work.tokens), span.stop, table))
        logit_rows.extend(range(len(tokens) - work.logit_tokens, len(tokens)))
    return Batch(
        tokens=torch.tensor(tokens, device=device),
        positions=torch.tensor(positions, device=device),
        slots=torch.tensor(slots, device=device),
        segments=tuple(segments),
        logit_rows=torch.tensor(logit_rows, dtype=torch.int64, device=device),
    )
