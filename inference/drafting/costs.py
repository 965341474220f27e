"""The time of a step by the number of its rows, measured while the engine decodes."""

from collections import deque

# A thread that waits for its core leaves its part of a step to the others, so some steps take longer. Of the last
# samples a fast one counts, and none before there are a few.
_SAMPLES = 9
_FEWEST_SAMPLES = 3
_FORGOTTEN_AFTER_STEPS = 1024  # the machine may have become faster or slower since
_FIRST_SLOPE = 0.12  # of a row, as a share of a step of one row, before any is known


class StepCosts:
    """The costs of one engine. Engine thread only."""

    def __init__(self) -> None:
        self._samples_ms: dict[int, deque[float]] = {}
        self._measured_at: dict[int, int] = {}
        self._ms: dict[int, float] = {}  # of the rows with enough samples
        self._steps = 0

    @property
    def step_ms(self) -> float:
        """The time of a step of one row; 0 before one was measured."""
        return self._ms.get(1, 0.0)

    def note(self, rows: int, ms: float) -> None:
        """Note the time of a step that computed nothing but so many rows of one sequence."""
        self._steps += 1
        samples = self._samples_ms.setdefault(rows, deque(maxlen=_SAMPLES))
        samples.append(ms)
        if len(samples) >= _FEWEST_SAMPLES:
            self._ms[rows] = sorted(samples)[len(samples) // _FEWEST_SAMPLES]
        self._measured_at[rows] = self._steps
        for old in [old for old, at in self._measured_at.items() if self._steps - at > _FORGOTTEN_AFTER_STEPS]:
            if old != 1:
                del self._samples_ms[old], self._measured_at[old]
                self._ms.pop(old, None)

    def relative(self, rows: int) -> float:
        """Return the time of a step of so many rows, in steps of one row. Rows between measured ones are estimated."""
        one = self._ms.get(1)
        if one is None or rows == 1:
            return 1 + _FIRST_SLOPE * (rows - 1)
        below = max(known for known in self._ms if known <= rows)
        above = min((known for known in self._ms if known >= rows), default=None)
        low = self._ms[below] / one
        if above is not None:
            share = (rows - below) / (above - below) if above > below else 0.0
            return max(1.0, low + share * (self._ms[above] / one - low))
        slope = (low - 1) / (below - 1) if below > 1 else _FIRST_SLOPE
        return max(1.0, low + max(slope, 0.0) * (rows - below))
