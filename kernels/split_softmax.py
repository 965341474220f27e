"""Splits attention over the context and combines the parts (Flash-Decoding, Dao et al. 2023).

With few new tokens there are fewer programs than multiprocessors, so each program takes a part of the keys. A part
leaves its mean of the values and the base-2 logarithm of its sum of exponentials; an empty part leaves -inf.
"""

import torch

from kernels.triton_import import jit_for_any, tl, triton

_PROGRAMS = 128  # about one for each multiprocessor of a large card
_LEAST_KEYS = 128  # of a part: each costs a row of fp32 values to write and to read
_PARTS_AT_ONCE = 16
LOG2_E = 1.4426950408889634


def count_parts(programs: int, keys: int) -> int:
    """Choose the number of parts from shapes alone: `programs` that attend without a split, `keys` in a full table."""
    most = min(_PROGRAMS // programs, keys // _LEAST_KEYS)
    return 1 << max(0, most.bit_length() - 1)


def new_parts(out: torch.Tensor, parts: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Allocate what the parts of out [..., W] leave: means [rows, parts, W] and logarithms [rows, parts], in fp32."""
    rows = out.numel() // out.shape[-1]
    means = out.new_empty(rows, parts, out.shape[-1], dtype=torch.float32)
    return means, out.new_empty(rows, parts, dtype=torch.float32)


def combine_parts_reference(means: torch.Tensor, logarithms: torch.Tensor, out: torch.Tensor) -> None:
    """Write the mean of the parts into out [..., W]; a row that has only empty parts gets zeros."""
    empty = logarithms == float("-inf")
    weights = (logarithms.double() * LOG2_E**-1).softmax(dim=-1).masked_fill(empty, 0)
    mean = (means.double().masked_fill(empty[..., None], 0) * weights[..., None]).sum(dim=1)
    out.copy_(mean.view(out.shape))


def combine_parts_triton(means: torch.Tensor, logarithms: torch.Tensor, out: torch.Tensor) -> None:
    """Launch a program for each row and 128 columns."""
    rows, parts, width = means.shape
    columns = min(128, triton.next_power_of_2(width))
    if rows:
        _combine_parts_kernel[(rows, triton.cdiv(width, columns))](
            means, logarithms, out, parts, width,
            PARTS=_PROGRAMS, AT_ONCE=_PARTS_AT_ONCE, COLUMNS=columns,
        )  # fmt: skip


@jit_for_any("parts")
def _combine_parts_kernel(  # type: ignore[no-untyped-def]  # Triton types the arguments at launch
    means_ptr, logarithms_ptr, out_ptr, parts, width,
    PARTS: tl.constexpr, AT_ONCE: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    part = tl.arange(0, PARTS)
    logarithms = tl.load(logarithms_ptr + row * parts + part, mask=part < parts, other=float("-inf"))
    highest = tl.max(logarithms, axis=0)
    highest = tl.where(highest == float("-inf"), 0.0, highest)
    total = tl.sum(tl.exp2(logarithms - highest), axis=0)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    mean = tl.zeros((COLUMNS,), tl.float32)
    for first in range(0, parts, AT_ONCE):
        some = first + tl.arange(0, AT_ONCE)
        logarithm = tl.load(logarithms_ptr + row * parts + some, mask=some < parts, other=float("-inf"))
        filled = logarithm > float("-inf")  # nothing was written for an empty part
        value = means_ptr + (row * parts + some)[:, None] * width + column[None, :]
        value = tl.load(value, mask=filled[:, None] & (column < width)[None, :], other=0.0)
        mean += tl.sum(value * tl.exp2(logarithm - highest)[:, None], axis=0)
    mean = mean / tl.where(total > 0, total, 1.0)
    tl.store(out_ptr + row * width + column, mean.to(out_ptr.dtype.element_ty), mask=column < width)
