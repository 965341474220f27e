"""Texts that the output may begin with: each is followed as long as the output is the same."""

from collections.abc import Iterator, Sequence

from inference.api import DraftSource
from inference.drafting.chain import Expected, MayCome, any_may_come

_MOST_FOLLOWED = 8  # tokens that the grade tells apart
_MOST_ALTERNATIVES = 3


class Alternatives:
    """Texts of one source, the likeliest first."""

    def __init__(self, source: DraftSource, texts: Sequence[Sequence[int]]) -> None:
        self._source = source
        self._left = [text for text in texts if text]
        self._followed = 0

    def push(self, token: int) -> None:
        """Follow the output by one `token`: the texts that have another one are dropped."""
        followed = self._followed
        self._followed += 1
        self._left = [text for text in self._left if text[followed] == token and len(text) > self._followed]

    def expect(self, may_come: MayCome = any_may_come) -> Iterator[Expected]:
        """Yield the rest of the likeliest text that is left."""
        possible = [text for text in self._left if may_come(text[self._followed])]
        if not possible:
            return
        text, alternatives = possible[0], min(len(possible), _MOST_ALTERNATIVES)
        for place in range(self._followed, len(text)):
            followed = min(place, _MOST_FOLLOWED)
            yield Expected(text[place], self._source, (followed, alternatives), 0.5 + 0.05 * followed)


class RepeatedSuffix:
    """The first lines behind the hole, which an output that goes too far writes again at the end of a line."""

    def __init__(self, suffix: Sequence[int]) -> None:
        """`suffix` are the tokens behind the hole; a suffix that begins with a line end is expected there."""
        self._suffix = suffix
        self._next = 0

    def push(self, token: int) -> None:
        """Follow the output by one `token`."""
        if self._next < len(self._suffix) and token == self._suffix[self._next]:
            self._next += 1
        else:
            self._next = int(bool(self._suffix) and token == self._suffix[0])

    def expect(self, may_come: MayCome = any_may_come) -> Iterator[Expected]:
        """Yield the rest of the lines once they have begun."""
        if 0 < self._next < len(self._suffix) and may_come(self._suffix[self._next]):
            for place in range(self._next, len(self._suffix)):
                followed = min(place, _MOST_FOLLOWED)
                yield Expected(self._suffix[place], "suffix", (followed,), 0.2 + 0.09 * followed)
