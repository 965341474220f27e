"""Quantizes rows of a matrix in groups by the library: quantize.h for tensors."""

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ctypes import c_float, c_int64, c_void_p

import torch
from torch import Tensor

_GROUP_COLUMNS, _BLOCK_ROWS = 32, 16

# midspan_quantize_rows: a job and its work space. ctypes lets other threads run meanwhile.
QuantizeFunction = Callable[[c_void_p, c_void_p], object]


class QuantizeJob(ctypes.Structure):
    """The structure of quantize_job.h, field by field."""

    _fields_ = [
        ("weights", c_void_p),
        *((name, c_int64) for name in ("weights_stride", "rows", "columns")),
        *((name, c_void_p) for name in ("units", "costs", "feedback")),
        ("largest", c_float),
        *((name, c_void_p) for name in ("codes", "scale", "offset")),
    ]


def quantize_rows(
    function: QuantizeFunction, weight: Tensor, units: Tensor, costs: Tensor, feedback: Tensor | None, largest: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Compute what the reference `inference.weights.int4_search.search_rows` does, on torch's number of threads.

    weight [N, K] fp32 with neighbouring columns, units [N, 2], costs [K], feedback [K, K], all fp32, the
    largest code -> codes [N, K], scale and offset [N, K / 32], all uint8.
    """
    rows, columns = weight.shape
    codes, scale, offset = (
        torch.empty(rows, width, dtype=torch.uint8)
        for width in (columns, columns // _GROUP_COLUMNS, columns // _GROUP_COLUMNS)
    )

    def quantize(first: int, end: int) -> None:
        work = torch.empty(columns, 2 * _BLOCK_ROWS)
        outputs = (part[first:end].data_ptr() for part in (codes, scale, offset))
        job = QuantizeJob(
            weight[first:end].data_ptr(),
            weight.stride(0),
            end - first,
            columns,
            units[first:end].data_ptr(),
            costs.data_ptr(),
            None if feedback is None else feedback.data_ptr(),
            largest,
            *outputs,
        )
        function(ctypes.cast(ctypes.byref(job), c_void_p), c_void_p(work.data_ptr()))

    threads = torch.get_num_threads()
    step = -(-rows // (threads * _BLOCK_ROWS)) * _BLOCK_ROWS
    starts = range(0, rows, step)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(quantize, starts, (min(first + step, rows) for first in starts)))
    return codes, scale, offset
