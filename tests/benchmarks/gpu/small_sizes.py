"""Small sizes for the benchmark of a GPU, and a clock that a test winds."""

from collections.abc import Callable

from benchmarks.gpu.case import Sizes
from benchmarks.gpu.clock import Roofline

SIZES = Sizes(64, 32, 16, 4, 6, 2, 32, 8, 3, 32, contexts=(40, 100), new_tokens=(1, 5))
ROOFLINE = Roofline(1e12, 1e15)


class Clock:
    """Runs the work once, and says that it took a millisecond."""

    def time_s(self, work: Callable[[], object]) -> float:
        work()
        return 0.001
