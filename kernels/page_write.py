"""Writes new tokens into the paged cache (PagedAttention, arXiv:2309.06180, section 4.1)."""

import torch

from kernels.triton_import import jit, runs_triton, tl, triton


def write_pages(pages: torch.Tensor, slots: torch.Tensor, values: torch.Tensor) -> None:
    """Write values [T, W] into pages [P, S, W] in place, converted to the pages' dtype.

    slots [T] int64 are flat, page * S + offset, in range and without duplicates: which of two writes to a slot stays is
    undefined. A negative slot is skipped, so that a captured step can have fewer tokens than rows. The caller
    owns the pages of these slots; every other slot keeps its bits. The distance of neighbouring rows must be the same
    everywhere (a contiguous pool, or a layer of [layers, P, S, W]).
    """
    if runs_triton(pages):
        write_pages_triton(pages, slots, values)
    else:
        write_pages_reference(pages, slots, values)


def write_pages_reference(pages: torch.Tensor, slots: torch.Tensor, values: torch.Tensor) -> None:
    known = slots >= 0
    if not known.all():
        slots, values = slots[known], values[known]
    # view, not reshape: a reshape may copy, and the write would be lost
    pages.view(-1, pages.shape[-1]).index_copy_(0, slots, values.to(pages.dtype))


def write_pages_triton(pages: torch.Tensor, slots: torch.Tensor, values: torch.Tensor) -> None:
    rows = pages.view(-1, pages.shape[-1])
    values = values.to(pages.dtype)
    tokens, width = values.shape
    if tokens:
        _write_pages_kernel[(tokens,)](
            rows, slots.contiguous(), values, *rows.stride(), *values.stride(), width,
            BLOCK=triton.next_power_of_2(width),
        )  # fmt: skip


@jit
def _write_pages_kernel(  # type: ignore[no-untyped-def]  # Triton types the arguments at launch
    rows_ptr, slots_ptr, values_ptr,
    row_stride, row_column_stride, value_stride, value_column_stride, width,
    BLOCK: tl.constexpr,
):  # fmt: skip
    token = tl.program_id(0).to(tl.int64)
    slot = tl.load(slots_ptr + token)
    columns = tl.arange(0, BLOCK)
    inside = (columns < width) & (slot >= 0)
    value = tl.load(values_ptr + token * value_stride + columns * value_column_stride, mask=inside)
    tl.store(rows_ptr + slot * row_stride + columns * row_column_stride, value, mask=inside)
