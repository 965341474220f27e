"""The shapes of decode steps that a CUDA graph is captured of, and the inputs of such a step.

A graph repeats its launches with the same addresses and sizes. So a step is padded to the next shape, a bucket, and its
inputs lie in buffers that never move. The kernels skip the padding: the slot of a padding row is negative, and the
length of a padding sequence is 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from inference.cache.page_pool import PAGE_TOKENS
from inference.models.batch import Batch, Group, Work

_SEQUENCES = (1, 2, 4, 8, 16)
_ROWS = (1, 2, 4, 8, 16, 17)  # of a sequence: a known token and up to 16 drafted ones behind it
MOST_ROWS = 32  # of a step, whose sequences share the 16 drafted tokens
# Of a page table. A wider one costs little: the kernels read a sequence's own pages, and its width is only the most
# parts that the context is split into.
_LEAST_PAGES, _PAGES_GROW = 128, 8
# Triton compiles a kernel once more for addresses that are not multiples of 16 bytes.
_ALIGNED_INT64, _ALIGNED_INT32 = 2, 4


@dataclass(frozen=True)
class Bucket:
    """A shape of decode steps: `rows` new tokens of each sequence, and `pages` in each page table."""

    sequences: int
    rows: int
    pages: int

    @property
    def all_rows(self) -> int:
        return self.sequences * self.rows


def buckets(total_pages: int, below_rows: float) -> Iterator[Bucket]:
    """Yield every bucket, the narrowest first. A sequence has fewer than `below_rows`, and the cache `total_pages`."""
    widths = [_LEAST_PAGES]
    while widths[-1] < total_pages:
        widths.append(widths[-1] * _PAGES_GROW)
    for width, sequences, rows in product(widths, _SEQUENCES, _ROWS):
        if rows < below_rows and sequences * rows <= MOST_ROWS:
            yield Bucket(sequences, rows, min(width, total_pages))


def choose_bucket(works: Sequence[Work], among: Sequence[Bucket]) -> Bucket | None:
    """Choose the first bucket that holds the works; None: it is no step that only decodes, or too large a one."""
    if any(work.logit_tokens != len(work.tokens) for work in works):
        return None  # tokens of a prompt are read
    rows, pages = max(len(work.tokens) for work in works), max(work.used_pages for work in works)
    for bucket in among:
        if bucket.sequences >= len(works) and bucket.rows >= rows and bucket.pages >= pages:
            return bucket
    return None


class StepInputs:
    """The inputs of a step on the device, filled by one copy from the host. All buckets have the same memory."""

    def __init__(self, among: Sequence[Bucket], device: torch.device) -> None:
        size = max(map(_size, among))
        is_cuda = device.type == "cuda"
        self._host = torch.zeros(size, dtype=torch.int64, pin_memory=is_cuda)
        self._device = torch.zeros(size, dtype=torch.int64, device=device)
        self._copied = torch.cuda.Event() if is_cuda else None  # type: ignore[no-untyped-call]  # torch does not say

    @property
    def device(self) -> torch.device:
        return self._device.device

    @property
    def nbytes(self) -> int:
        """The bytes on the device; the host has as many."""
        return self._device.nbytes

    def batch(self, bucket: Bucket) -> Batch:
        """Return the batch on the device. Its rows of logits are those of the works, in their order, then any."""
        return _lay_out(self._device, bucket)

    def fill(self, works: Sequence[Work], bucket: Bucket) -> None:
        """Write the works into the bucket's inputs. The last copy is over, unless a step has failed before its end."""
        if self._copied is not None:
            self._copied.synchronize()
        _write(works, bucket, _lay_out(self._host, bucket))
        size = _size(bucket)
        self._device[:size].copy_(self._host[:size], non_blocking=True)
        if self._copied is not None:
            self._copied.record()


def _write(works: Sequence[Work], bucket: Bucket, batch: Batch) -> None:
    """Write the works into a batch on the host: a sequence's tokens are the last of its rows."""
    tokens: list[int] = []
    positions: list[int] = []
    slots: list[int] = []
    logit_rows: list[int] = []
    (group,) = batch.groups
    for number, work in enumerate(works):
        padding = bucket.rows - len(work.tokens)
        tokens += [0] * padding + [*work.tokens]
        positions += [0] * padding + [*work.positions]
        slots += [-1] * padding + work.slots()
        logit_rows += range(number * bucket.rows + padding, (number + 1) * bucket.rows)
        own_pages = torch.tensor(work.pages[: work.used_pages], dtype=torch.int32)
        group.page_tables[number, : len(own_pages)].copy_(own_pages)
    for target, values, padding_value in (
        (batch.tokens, tokens, 0),
        (batch.positions, positions, 0),
        (batch.slots, slots, -1),
        (batch.logit_rows, logit_rows, 0),
        (group.lengths, [work.positions.stop for work in works], 0),
    ):
        padded = values + [padding_value] * (len(target) - len(values))
        target.copy_(torch.tensor(padded, dtype=target.dtype))


def _size(bucket: Bucket) -> int:
    """Return the int64 numbers that a bucket's inputs take."""
    pairs = _aligned(bucket.sequences, _ALIGNED_INT32) + bucket.sequences * bucket.pages
    return 4 * _aligned(bucket.all_rows, _ALIGNED_INT64) + -(-pairs // 2)


def _lay_out(buffer: Tensor, bucket: Bucket) -> Batch:
    """Cut the bucket's tensors from the beginning of a buffer of int64: four of int64, and two of int32."""
    step, count = _aligned(bucket.all_rows, _ALIGNED_INT64), bucket.all_rows
    tokens, positions, slots, logit_rows = (buffer[at * step : at * step + count] for at in range(4))
    small = buffer[4 * step : _size(bucket)].view(torch.int32)
    first = _aligned(bucket.sequences, _ALIGNED_INT32)
    tables = small[first : first + bucket.sequences * bucket.pages].view(bucket.sequences, bucket.pages)
    most_tokens = bucket.pages * PAGE_TOKENS
    group = Group(slice(0, count), bucket.rows, most_tokens, small[: bucket.sequences], tables)
    return Batch(tokens, positions, slots, (), (group,), logit_rows)


def _aligned(count: int, multiple: int) -> int:
    return -(-count // multiple) * multiple
