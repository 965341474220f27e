"""The work of one step: the new tokens of several sequences, packed into a ragged batch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

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
class Group:
    """Neighbouring sequences with as many new tokens each, which attend in one call: B of them, `count` rows each."""

    rows: slice  # of the batch
    count: int
    most_tokens: int  # of the longest sequence
    lengths: Tensor  # [B] int32, on the device
    page_tables: Tensor  # [B, N] int32, on the device; behind a sequence's own pages stands any page


@dataclass(frozen=True)
class Batch:
    """T new tokens in all. The model returns the logits of `logit_rows`.

    All tensors lie on the device since the step began: no layer moves one there.
    """

    tokens: Tensor  # [T] int64
    positions: Tensor  # [T] int64
    slots: Tensor  # [T] int64: page * PAGE_TOKENS + offset, where each token's cache entry goes
    segments: tuple[Segment, ...]
    groups: tuple[Group, ...]  # the same sequences
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

    @property
    def positions(self) -> range:
        return range(self.start, self.start + len(self.tokens))

    @property
    def used_pages(self) -> int:
        """The pages that hold the sequence up to the last of these tokens."""
        return -(-self.positions.stop // PAGE_TOKENS)

    def slots(self) -> list[int]:
        return [self.pages[p // PAGE_TOKENS] * PAGE_TOKENS + p % PAGE_TOKENS for p in self.positions]


@dataclass(frozen=True)
class Rows:
    """The rows of several works, laid behind one another, in lists."""

    tokens: list[int]
    positions: list[int]
    slots: list[int]
    logit_rows: list[int]
    spans: list[tuple[int, int, int]]  # of each work: its first row, its rows, and the sequence's length behind them
    page_tables: list[Sequence[int]]  # of each work


def lay_out(works: Sequence[Work]) -> Rows:
    """Lay the works behind one another. No work may be empty: a zero-length segment corrupts attention."""
    rows = Rows([], [], [], [], [], [])
    for work in works:
        span = work.positions
        rows.spans.append((len(rows.tokens), len(span), span.stop))
        rows.tokens.extend(work.tokens)
        rows.positions.extend(span)
        rows.slots.extend(work.slots())
        rows.page_tables.append(work.pages[: work.used_pages])
        rows.logit_rows.extend(range(len(rows.tokens) - work.logit_tokens, len(rows.tokens)))
    return rows


def pack_batch(works: Sequence[Work], device: torch.device) -> Batch:
    """Lay the works behind one another, in two tensors that are moved to the device: of int64 and of int32."""
    laid = lay_out(works)
    spans, tables = laid.spans, laid.page_tables
    rows = len(laid.tokens)
    numbers = [*laid.tokens, *laid.positions, *laid.slots, *laid.logit_rows]
    packed = torch.tensor(numbers, dtype=torch.int64).to(device)
    widest = max(map(len, tables))
    padded = [page for table in tables for page in (*table, *[0] * (widest - len(table)))]
    small = torch.tensor([*(length for *_, length in spans), *padded], dtype=torch.int32).to(device)
    lengths, page_tables = small[: len(works)], small[len(works) :].view(len(works), widest)
    return Batch(
        tokens=packed[:rows],
        positions=packed[rows : 2 * rows],
        slots=packed[2 * rows : 3 * rows],
        segments=tuple(
            Segment(start, count, length, page_tables[i, : -(-length // PAGE_TOKENS)])
            for i, (start, count, length) in enumerate(spans)
        ),
        groups=tuple(_groups(spans, lengths, page_tables)),
        logit_rows=packed[3 * rows :],
    )


def _groups(spans: Sequence[tuple[int, int, int]], lengths: Tensor, page_tables: Tensor) -> Iterator[Group]:
    """Yield the runs of sequences with as many new tokens. A span is the first row, the count and the length."""
    first = 0
    for count, run in groupby(spans, lambda span: span[1]):
        members = list(run)
        start, end = members[0][0], first + len(members)
        most_tokens = max(length for *_, length in members)
        pages = -(-most_tokens // PAGE_TOKENS)
        rows = slice(start, start + count * len(members))
        yield Group(rows, count, most_tokens, lengths[first:end], page_tables[first:end, :pages])
        first = end
