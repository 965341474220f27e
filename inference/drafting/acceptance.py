"""The share of drafted tokens that were right, by their source and grade, learned while the engine runs."""

from inference.api import DraftSource
from inference.drafting.chain import Expected, Grade

_GUESS_WEIGHT = 3.0  # tokens
_MOST_WEIGHT = 256.0  # then old results count half


class Acceptance:
    """Counts of one engine, for all of its requests. Engine thread only."""

    def __init__(self) -> None:
        self._counts: dict[tuple[DraftSource, Grade], list[float]] = {}

    def share(self, expected: Expected) -> float:
        """Return the share of such tokens that were right, where all tokens before them were."""
        right, judged = self._counts_of(expected)
        return right / judged

    def learn(self, expected: Expected, is_right: bool) -> None:
        """Count one token that the model has judged."""
        counts = self._counts_of(expected)
        counts[0] += is_right
        counts[1] += 1
        if counts[1] > _MOST_WEIGHT:
            counts[0] /= 2
            counts[1] /= 2

    def _counts_of(self, expected: Expected) -> list[float]:
        key = (expected.source, expected.grade)
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = [expected.guess * _GUESS_WEIGHT, _GUESS_WEIGHT]
        return counts
