"""Checks a kernel against its reference, and measures it."""

from dataclasses import dataclass

import torch

from benchmarks.gpu.case import Case
from benchmarks.gpu.clock import Bound, Clock, Roofline

# Of the norm of the reference: bf16 has 8 bits, and a kernel rounds what it multiplies a few times.
MOST_ERROR = 0.02


@dataclass(frozen=True)
class KernelRow:
    """A line of the table. `error` is relative, in the norm; `share` is that of the time that its `bound` takes."""

    name: str
    error: float
    is_right: bool
    time_us: float
    moved_bytes: int
    flop: int
    bytes_per_s: float
    flop_per_s: float
    bound: Bound
    share: float


def measure_kernel(case: Case, clock: Clock, roofline: Roofline) -> KernelRow:
    """Check and measure. A kernel that is wrong is measured too, and its row says so."""
    wanted = case.reference().double()
    found = case.run().double()
    error = float((found - wanted).norm() / wanted.norm().clamp(min=torch.finfo(torch.float32).tiny))
    seconds = clock.time_s(case.run)
    return KernelRow(
        case.name,
        error,
        error <= MOST_ERROR,  # a NaN is wrong
        1e6 * seconds,
        case.moved_bytes,
        case.flop,
        case.moved_bytes / seconds,
        case.flop / seconds,
        roofline.bound(case.moved_bytes, case.flop),
        roofline.least_s(case.moved_bytes, case.flop) / seconds,
    )
