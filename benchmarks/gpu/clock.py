"""The time that work takes on a GPU, and the bandwidth and matrix rate that the same card reaches."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import torch

_FLUSH_BYTES = 256 << 20  # more than any card's L2 cache
_RUNS = 20
_COPY_BYTES = 1 << 30
_MATRIX = 8192

Bound = Literal["bandwidth", "matrix rate"]


class Clock(Protocol):
    def time_s(self, work: Callable[[], object]) -> float:
        """Return the seconds of one run of the work, whose data lies in the card's memory and not in its cache."""


class EventClock:
    """Measures by CUDA's events: the median of some runs, with the L2 cache overwritten before each."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._flush = torch.empty(_FLUSH_BYTES, dtype=torch.uint8, device=device)

    def time_s(self, work: Callable[[], object]) -> float:
        work()  # compiles, and reserves memory
        pairs = []
        for _ in range(_RUNS):
            self._flush.zero_()
            began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]  # torch has no types for it
            began.record()
            work()
            ended.record()
            pairs.append((began, ended))
        torch.cuda.synchronize(self._device)
        times_ms: list[float] = sorted(began.elapsed_time(ended) for began, ended in pairs)
        return times_ms[_RUNS // 2] / 1000


@dataclass(frozen=True)
class Roofline:
    """The rates that this card has reached in this run."""

    bytes_per_s: float
    flop_per_s: float

    def least_s(self, moved_bytes: int, flop: int) -> float:
        """Return the time below which no program does so much work."""
        return max(moved_bytes / self.bytes_per_s, flop / self.flop_per_s)

    def bound(self, moved_bytes: int, flop: int) -> Bound:
        """Return what takes the longer: to move the bytes, or the products."""
        return "bandwidth" if moved_bytes / self.bytes_per_s >= flop / self.flop_per_s else "matrix rate"


def measure_roofline(
    clock: Clock, device: torch.device, copy_bytes: int = _COPY_BYTES, matrix: int = _MATRIX
) -> Roofline:
    """Measure a copy, which reads and writes each byte, and a product of bf16 matrices."""
    source = torch.empty(copy_bytes, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    copied_s = clock.time_s(lambda: target.copy_(source))
    a = torch.ones(matrix, matrix, dtype=torch.bfloat16, device=device)
    multiplied_s = clock.time_s(lambda: a @ a)
    return Roofline(2 * copy_bytes / copied_s, 2 * matrix**3 / multiplied_s)
