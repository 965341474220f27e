"""The draft of an edit: the text that is edited.

While the output follows the draft, the draft's next tokens are expected. When the output leaves the draft, the draft is
searched for the place where the output comes back.
"""

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from itertools import islice

from inference.drafting.chain import Expected, MayCome, any_may_come

_MOST_EXPECTED = 16  # tokens
_FIRST_LIMIT = 8  # of tokens to propose, before any result is known
_START_RUN = 2  # tokens: an output that begins as its draft does is treated as a match of this length
_NEAR_TOKENS = 64  # within this distance of where the output left the draft, one matching token is enough to go on
_FAR_MATCH = 3  # matching tokens that are enough anywhere
_CONFIRMED_RUN = 3  # matching tokens after which the place is certain
_FIRST_GUESS, _CONFIRMED_GUESS = 0.7, 0.95
_LOOK_BACK = 16
_FAR_CANDIDATES = 32


class EditDraft:
    """Follows an output through its draft. Each token of the output goes through `push`, in order."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens = tokens
        self._next: int | None = 0  # the position in the draft of the output's next token
        self._run = _START_RUN  # the number of tokens before it that have matched
        self._left_at = 0  # the last certain position
        self._limit = _FIRST_LIMIT
        self._recent: deque[int] = deque(maxlen=_LOOK_BACK)
        self._ends_of: dict[tuple[int, ...], list[int]] | None = None  # positions after each _FAR_MATCH tokens

    def expect(self, may_come: MayCome = any_may_come) -> Iterator[Expected]:
        """Yield the tokens that probably come next.

        They are few after a short match, and none when the match is too short for the draft's successes so far.
        """
        if self._next is None or self._run * self._limit < _MOST_EXPECTED:
            return
        tokens = self._tokens[self._next : self._next + min(self._limit, 2 * self._run)]
        if not tokens or not may_come(tokens[0]):
            return
        for ahead, token in enumerate(tokens):
            run = min(self._run + ahead, _MOST_EXPECTED)
            yield Expected(token, "edit", (run,), _CONFIRMED_GUESS if run >= _CONFIRMED_RUN else _FIRST_GUESS)

    def learn(self, drafted: int, accepted: int) -> None:
        """Adapt the number of tokens that are expected to the result of those that were drafted."""
        if accepted == drafted:
            self._limit = min(2 * self._limit, _MOST_EXPECTED)
        elif 2 * accepted < drafted:
            self._limit = max(self._limit // 2, 1)

    def push(self, token: int) -> None:
        """Follow the output by one `token`."""
        self._recent.append(token)
        place = self._next
        if place is not None and place < len(self._tokens) and self._tokens[place] == token:
            self._next, self._run = place + 1, self._run + 1
            if self._run >= _CONFIRMED_RUN:
                self._left_at = self._next
            return
        self._next, self._run = self._find()

    def _find(self) -> tuple[int | None, int]:
        """Find the position after the longest match with the output's end, nearest to `_left_at`; and its length."""
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
        """Return a few positions around `_left_at` only: tokens that stand everywhere in a text tell little."""
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
