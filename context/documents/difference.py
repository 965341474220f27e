"""The place at which two states of a text differ."""

from dataclasses import dataclass
from typing import TypeVar

S = TypeVar("S", str, bytes, tuple[str, ...])


@dataclass(frozen=True)
class Change:
    """`old[start:old_end]` became `new[start:new_end]`, and all before and behind it is the same."""

    start: int
    old_end: int
    new_end: int

    @property
    def grown(self) -> int:
        """The distance by which all behind the change has moved."""
        return self.new_end - self.old_end


def find_change(old: S, new: S) -> Change:
    """Return the smallest change that makes `new` of `old`: two texts, or the lines of two texts."""
    most = min(len(old), len(new))
    start = _count_equal(old, new, most)
    end = _count_equal_at_end(old, new, most - start)
    return Change(start, len(old) - end, len(new) - end)


# Both halve the part in which the first difference is: to compare slices is many times faster than to compare elements.


def _count_equal(old: S, new: S, most: int) -> int:
    equal = 0
    while equal < most:
        middle = (equal + most + 1) // 2
        if old[equal:middle] == new[equal:middle]:
            equal = middle
        else:
            most = middle - 1
    return equal


def _count_equal_at_end(old: S, new: S, most: int) -> int:
    equal = 0
    while equal < most:
        middle = (equal + most + 1) // 2
        if old[len(old) - middle : len(old) - equal] == new[len(new) - middle : len(new) - equal]:
            equal = middle
        else:
            most = middle - 1
    return equal
