"""What an output probably repeats, and how much of it is worth a try: speculation without a second model.

The text that is edited is the draft of its edit (Saxena, prompt lookup decoding, 2023). While the output follows the
draft, the tokens that come next in it are computed in the step that computes the last known one; the model's own
choice at each of them says how many were right. Where the output leaves the draft, the place where it comes back is
looked for.
"""

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from itertools import islice

# A step with more rows than this no longer reads the weights once for all of them, but computes.
MAX_DRAFTED_TOKENS = 16
_FIRST_LIMIT = 8  # of what was not tried yet
_START_RUN = 2  # what "it begins as the draft does" is worth, in tokens that have matched
_NEAR_TOKENS = 64  # so near to where the output left the draft, one token that matches is a place to go on from
_FAR_MATCH = 3  # and so many anywhere
_CONFIRMED_RUN = 3  # after so many, the place is no chance
_LOOK_BACK = 16
_FAR_CANDIDATES = 32


class Draft:
    """Follows one output. Each token of it goes through `push`, in order."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens = tokens
        self._next: int | None = 0  # where in the draft the output's next token is expected
        self._run = _START_RUN  # how many tokens before that have matched
        self._left_at = 0  # where the output was last seen for certain
        self._limit = _FIRST_LIMIT
        self._recent: deque[int] = deque(maxlen=_LOOK_BACK)
        self._ends_of: dict[tuple[int, ...], list[int]] | None = None  # positions after each _FAR_MATCH tokens

    def propose(self, room: int) -> Sequence[int]:
        """The tokens that probably come next, `room` at most: few after a short match, and none after one that is
        too short for how well this draft has done so far."""
        if self._next is None or self._run * self._limit < MAX_DRAFTED_TOKENS:
            return ()
        count = min(room, self._limit, 2 * self._run)
        return self._tokens[self._next : self._next + max(count, 0)]

    def learn(self, drafted: int, accepted: int) -> None:
        """What became of one proposal."""
        if accepted == drafted:
            self._limit = min(2 * self._limit, MAX_DRAFTED_TOKENS)
        elif 2 * accepted < drafted:
            self._limit = max(self._limit // 2, 1)

    def push(self, token: int) -> None:
        """The output goes on with `token`."""
        self._recent.append(token)
        place = self._next
        if place is not None and place < len(self._tokens) and self._tokens[place] == token:
            self._next, self._run = place + 1, self._run + 1
            if self._run >= _CONFIRMED_RUN:
                self._left_at = self._next
            return
        self._next, self._run = self._find()

    def _find(self) -> tuple[int | None, int]:
        """The place after the longest match with the end of the output, nearest to where it left; and the match."""
        best: tuple[int, int] | None = None
        for place in {*self._near(), *self._far()}:
            score = (self._matching_before(place), -abs(place - self._left_at))
            if best is None or score > best:
                best, found = score, place
        return (None, 0) if best is None else (found, best[0])

    def _near(self) -> Iterator[int]:
        last = self._recent[-1]
        first = max(0, self._left_at - _LOOK_BACK)
        end = min(len(self._tokens), self._left_at + _NEAR_TOKENS)
        return (place + 1 for place in range(first, end) if self._tokens[place] == last)

    def _far(self) -> Sequence[int]:
        """A few of them around where the output left: what stands everywhere in a text tells little."""
        if len(self._recent) < _FAR_MATCH:
            return ()
        if self._ends_of is None:
            self._ends_of = defaultdict(list)
            for end in range(_FAR_MATCH, len(self._tokens) + 1):
                self._ends_of[tuple(self._tokens[end - _FAR_MATCH : end])].append(end)
        last = tuple(islice(self._recent, len(self._recent) - _FAR_MATCH, None))
        ends = self._ends_of.get(last, [])
        first = bisect_left(ends, self._left_at) - _FAR_CANDIDATES // 4
        return ends[max(first, 0) :][:_FAR_CANDIDATES]

    def _matching_before(self, place: int) -> int:
        count = 0
        for token in reversed(self._recent):
            if count == place or self._tokens[place - 1 - count] != token:
                break
            count += 1
        return count
