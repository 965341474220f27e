"""The memory of a native step: its inputs, its logits, and what it keeps from one sublayer to the next.

A decoded token comes behind a step that has read hundreds of megabytes, which pushed all else out of the caches: each
operation of torch and each new object costs many times as much there. So the memory of a step of few rows is taken by
a later one.
"""

import ctypes
from collections.abc import Sequence

import torch
from torch import Tensor

from inference.models.batch import Batch, Work, lay_out
from kernels.cpu import plan as cpu

_INT64_BYTES = ctypes.sizeof(ctypes.c_int64)
_KEPT_ROWS = 17  # of a step whose memory is kept: the last known token, and the longest draft
_MOST_TABLES = 32


class StepMemory:
    """The memory of a step of `most_rows` rows at most, and `batch`, which tells the library where it lies."""

    def __init__(self, shape: cpu.Shape, most_rows: int, most_logits: int, most_segments: int) -> None:
        self.most_rows = most_rows
        self.is_kept = False  # for later steps
        self._batch: Batch | None = None
        self._numbers = (ctypes.c_int64 * (3 * most_rows + most_logits))()
        self._segments = (cpu.Segment * most_segments)()
        self._tables: dict[int, tuple[Sequence[int], ctypes.Array[ctypes.c_int32]]] = {}
        self._logits = torch.empty(most_logits, shape.vocabulary)
        self._first_logits: dict[int, Tensor] = {}  # the first rows of them, by their number
        self._likeliest = (ctypes.c_int32 * most_logits)()
        self._likeliest_logprobs = (ctypes.c_float * most_logits)()
        self._activations = torch.empty(cpu.activation_floats(shape, most_rows))
        numbers = ctypes.addressof(self._numbers)
        self.batch = cpu.Batch(
            tokens=numbers,
            positions=numbers + _INT64_BYTES * most_rows,
            slots=numbers + _INT64_BYTES * 2 * most_rows,
            logit_rows=numbers + _INT64_BYTES * 3 * most_rows,
            segments=self._segments,
            logits=self._logits.data_ptr(),
            likeliest=ctypes.addressof(self._likeliest),
            likeliest_logprobs=ctypes.addressof(self._likeliest_logprobs),
            activations=self._activations.data_ptr(),
        )

    def lay_out(self, works: Sequence[Work]) -> None:
        """Lay the works behind one another, as `pack_batch` does. No work may be empty."""
        if len(self._tables) + len(works) > _MOST_TABLES:  # and never while the step is laid out, which points to them
            self._tables.clear()
        rows = lay_out(works)
        for place, numbers in enumerate((rows.tokens, rows.positions, rows.slots, rows.logit_rows)):
            written: list[ctypes.c_int64 | int] = [*numbers]
            self._numbers[place * self.most_rows : place * self.most_rows + len(written)] = written
        for i, (span, work) in enumerate(zip(rows.spans, works, strict=True)):
            self._segments[i] = cpu.Segment(*span, self._table(work.pages))
        own = self.batch
        own.rows, own.logit_count, own.segment_count = len(rows.tokens), len(rows.logit_rows), len(works)

    def point_to(self, batch: Batch) -> None:
        """Take the inputs from a batch, whose tensors live as long as this."""
        self._batch = batch
        own = self.batch
        own.tokens, own.positions = batch.tokens.data_ptr(), batch.positions.data_ptr()
        own.slots, own.logit_rows = batch.slots.data_ptr(), batch.logit_rows.data_ptr()
        own.rows, own.logit_count, own.segment_count = len(batch.tokens), len(batch.logit_rows), len(batch.segments)
        for i, segment in enumerate(batch.segments):
            table = segment.page_table.data_ptr()
            self._segments[i] = cpu.Segment(segment.start, segment.count, segment.length, table)

    @property
    def logits(self) -> Tensor:
        """The logits [L, vocabulary] of the step."""
        count = self.batch.logit_count
        if count not in self._first_logits:
            self._first_logits[count] = self._logits[:count]
        return self._first_logits[count]

    @property
    def likeliest(self) -> list[tuple[int, float]]:
        """The likeliest known token of each row of logits, the first of equal ones, and its log-probability."""
        count = self.batch.logit_count
        return list(zip(self._likeliest[:count], self._likeliest_logprobs[:count], strict=True))

    def _table(self, pages: Sequence[int]) -> int:
        """Return the address of a page table. A sequence keeps its list of pages while it runs."""
        kept = self._tables.get(id(pages))
        if kept is None or kept[0] is not pages:
            kept = self._tables[id(pages)] = pages, (ctypes.c_int32 * len(pages))(*pages)
        return ctypes.addressof(kept[1])


class StepMemories:
    """The memory of steps of few rows that no step has at the moment, for a plan of this shape."""

    def __init__(self, shape: cpu.Shape) -> None:
        self._shape = shape
        self._free: list[StepMemory] = []

    def take(self, works: Sequence[Work]) -> StepMemory:
        """Return memory with these works laid out."""
        rows = sum(len(work.tokens) for work in works)
        if rows > _KEPT_ROWS:
            memory = StepMemory(self._shape, rows, sum(work.logit_tokens for work in works), len(works))
        elif self._free:
            memory = self._free.pop()
        else:
            memory = StepMemory(self._shape, _KEPT_ROWS, _KEPT_ROWS, _KEPT_ROWS)
            memory.is_kept = True
        memory.lay_out(works)
        return memory

    def give_back(self, memory: StepMemory) -> None:
        """Let a later step take the memory."""
        if memory.is_kept:
            self._free.append(memory)
