"""Drafts by n-grams (Saxena, prompt lookup decoding, 2023): what stood behind the same tokens before.

The texts that are looked up are the prompt, the output so far, and those that the request names. Nothing is indexed:
the tokens lie in one buffer of bytes, which is searched from its end, at the speed of memory. So a request costs the
copy of its tokens, however little of the prompt is new.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence, Set

from inference.api import Draft, DraftSource
from inference.drafting.chain import Expected, MayCome, any_may_come

_TOKEN_BYTES = array("I").itemsize
_NO_TOKEN = 2**32 - 1  # stands between two texts
_LONGEST_MATCH = 8  # tokens
_SEARCHED = (3, 2, 1)  # tokens: the longest that is found counts
_MOST_PLACES = 12  # the last ones
_SHARES = (0.3, 0.5, 0.7, 0.9)  # of the places that go on in the same way, between the grades
_MOST_COUNT = 3  # of places that the grade tells apart


class _Continuation:
    """A token that stands behind some places; a match that is one token longer counts twice as much."""

    __slots__ = ("count", "longest", "place", "score")

    def __init__(self, last_place: int) -> None:
        self.place = last_place
        self.longest = self.count = self.score = 0

    def add(self, matching: int) -> None:
        self.longest = max(self.longest, matching)
        self.count += 1
        self.score += 1 << matching


class Lookup:
    """Expects what stands behind the places that match the output's end, of which each counts by its length."""

    def __init__(
        self, texts: Sequence[Draft], before: Sequence[int], never: Set[int] = frozenset(), *, has_output: bool
    ) -> None:
        """`before` are the tokens before the output, and `never` those that no output has, such as a sentinel.

        With `has_output`, the last text goes on with the output.
        """
        self._never = {_NO_TOKEN, *never}
        self._has_output = has_output
        self._tokens = array("I")
        self._starts: list[int] = []
        self._sources: list[DraftSource] = []
        for text in texts:
            self._tokens.append(_NO_TOKEN)
            self._starts.append(len(self._tokens))
            self._sources.append(text.source)
            self._tokens.extend(text.tokens)
        self._bytes = bytearray(self._tokens.tobytes())
        self._recent = array("I", before[-_LONGEST_MATCH:])

    def push(self, token: int) -> None:
        """Follow the output by one `token`."""
        self._recent = self._recent[-_LONGEST_MATCH + 1 :]
        self._recent.append(token)
        if self._has_output:
            self._tokens.append(token)
            self._bytes += self._tokens[-1:].tobytes()

    def expect(self, may_come: MayCome = any_may_come) -> Iterator[Expected]:
        """Yield the tokens that come next. Each is looked up behind those before it."""
        recent = self._recent[:]
        while (expected := self._next(recent, may_come)) is not None:
            yield expected
            may_come = any_may_come
            recent = recent[-_LONGEST_MATCH + 1 :]
            recent.append(expected.token)

    def _next(self, recent: "array[int]", may_come: MayCome) -> Expected | None:
        for searched in _SEARCHED:
            if len(recent) < searched:
                continue
            found: dict[int, _Continuation] = {}
            places = 0
            for place in self._places(recent[-searched:].tobytes()):
                token = self._tokens[place]
                if token in self._never or not may_come(token):
                    continue
                places += 1
                continuation = found.setdefault(token, _Continuation(place))
                continuation.add(self._matching_before(place, recent, searched))
                if places == _MOST_PLACES:
                    break
            if found:
                return self._best(found)
        return None

    def _best(self, found: "dict[int, _Continuation]") -> Expected:
        token = max(found, key=lambda token: found[token].score)
        best = found[token]
        share = bisect_right(_SHARES, best.score / sum(other.score for other in found.values()))
        grade = (best.longest, share, min(best.count, _MOST_COUNT))
        return Expected(token, self._source_at(best.place), grade, 0.15 + 0.1 * share + 0.03 * best.longest)

    def _places(self, pattern: bytes) -> Iterator[int]:
        """Yield the places behind the pattern, the last first."""
        end = len(self._bytes) - _TOKEN_BYTES  # behind the last token nothing stands
        while (at := self._bytes.rfind(pattern, 0, end)) >= 0:
            end = at + len(pattern) - 1
            if at % _TOKEN_BYTES == 0:
                yield (at + len(pattern)) // _TOKEN_BYTES

    def _matching_before(self, place: int, recent: "array[int]", known: int) -> int:
        count = known
        while count < min(len(recent), place) and self._tokens[place - 1 - count] == recent[-1 - count]:
            count += 1
        return count

    def _source_at(self, place: int) -> DraftSource:
        return self._sources[bisect_right(self._starts, place) - 1]
