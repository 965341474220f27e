"""The inputs of a native step, as addresses: it reads them where they lie."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

from inference.models.batch import Batch, Work, lay_out
from kernels.cpu import plan as cpu

_INT64_BYTES = ctypes.sizeof(ctypes.c_int64)
_INT32_BYTES = ctypes.sizeof(ctypes.c_int32)


@dataclass(frozen=True)
class StepInputs:
    """The addresses of a step's rows, as `Batch` has them, and its segments; `kept` is the memory behind them."""

    tokens: int
    positions: int
    slots: int
    logit_rows: int
    row_count: int
    logit_count: int
    segments: Sequence[cpu.Segment]
    kept: object


def inputs_of_batch(batch: Batch) -> StepInputs:
    """Return the inputs in the tensors of a batch."""
    return StepInputs(
        batch.tokens.data_ptr(),
        batch.positions.data_ptr(),
        batch.slots.data_ptr(),
        batch.logit_rows.data_ptr(),
        len(batch.tokens),
        len(batch.logit_rows),
        [cpu.Segment(s.start, s.count, s.length, s.page_table.data_ptr()) for s in batch.segments],
        batch,
    )


def inputs_of_works(works: Sequence[Work]) -> StepInputs:
    """Lay the works behind one another, as `pack_batch` does, in memory that no tensor has.

    A decoded token comes behind a step that has read hundreds of megabytes, which pushed all else out of the caches:
    each operation of torch that it takes costs tens of microseconds there.
    """
    rows = lay_out(works)
    lists = (rows.tokens, rows.positions, rows.slots, rows.logit_rows)
    numbers = (ctypes.c_int64 * sum(map(len, lists)))(*rows.tokens, *rows.positions, *rows.slots, *rows.logit_rows)
    tables = (ctypes.c_int32 * sum(map(len, rows.page_tables)))(*(page for table in rows.page_tables for page in table))
    address, table_address = ctypes.addressof(numbers), ctypes.addressof(tables)
    count = len(rows.tokens)
    segments = []
    for (start, length, stop), table in zip(rows.spans, rows.page_tables, strict=True):
        segments.append(cpu.Segment(start, length, stop, table_address))
        table_address += _INT32_BYTES * len(table)
    return StepInputs(
        address,
        address + _INT64_BYTES * count,
        address + _INT64_BYTES * 2 * count,
        address + _INT64_BYTES * 3 * count,
        count,
        len(rows.logit_rows),
        segments,
        (numbers, tables),
    )
