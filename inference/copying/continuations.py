"""The continuations of the longest suffix of a text that stands elsewhere, found again after each token.

For each place of the texts one number is kept: how many tokens up to there are those at the end of the output. A token
more changes all of these numbers at once, at the speed of memory, so nothing has to be indexed when a request begins.
"""

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

LONGEST_SUFFIX_TOKENS = 8  # a longer one says no more
_MANY_PLACES = 64  # numpy counts so many faster
_NO_TOKEN = -1  # stands between two texts, and for what is no text


@dataclass(frozen=True)
class Continuations:
    """The tokens that stand behind a suffix of so many tokens, and how often each does."""

    suffix_tokens: int
    tokens: tuple[int, ...]
    counts: tuple[int, ...]

    @property
    def seen(self) -> int:
        """The number of places at which the suffix goes on."""
        return sum(self.counts)


class Suffixes:
    """Texts in tokens, the last of which grows. Not safe for several threads."""

    def __init__(self, texts: Sequence[Sequence[int]], growing: Sequence[int], sentinels: Set[int]) -> None:
        """`growing` is the text before the output. None of the `sentinels` is a part of a suffix or follows one."""
        tokens = [_NO_TOKEN]
        for text in texts:
            tokens += text
            tokens.append(_NO_TOKEN)
        tokens += growing
        known = np.array(tokens, dtype=np.int32)
        known[np.isin(known, list(sentinels))] = _NO_TOKEN
        self._size = len(known)
        self.text_tokens = int((known != _NO_TOKEN).sum())  # that suffixes are looked for in, without the output
        self._tokens = np.append(known, np.full(max(64, len(known) // 8), _NO_TOKEN, dtype=np.int32))
        # Of each place: does a token follow, and how many tokens up to there are the output's last?
        self._goes_on = np.append(self._tokens[1:] != _NO_TOKEN, False).astype(np.int8)
        self._matching = np.zeros(len(self._tokens), dtype=np.int8)
        for token in known[max(1, self._size - LONGEST_SUFFIX_TOKENS) :]:
            self._match(int(token))

    def push(self, token: int) -> None:
        """Let the output grow by one `token` of text."""
        if self._size == len(self._tokens):
            room = self._size // 2
            self._tokens = np.append(self._tokens, np.full(room, _NO_TOKEN, dtype=np.int32))
            self._goes_on, self._matching = (
                np.append(own, np.zeros(room, dtype=np.int8)) for own in (self._goes_on, self._matching)
            )
        self._tokens[self._size] = token
        self._goes_on[self._size - 1] = 1
        self._size += 1
        self._match(token)

    def find(self) -> Continuations | None:
        """Return what stands behind the longest suffix; None: its last token stands nowhere else."""
        end = self._size - 1  # the output's own, which nothing follows
        lengths = self._matching[:end] * self._goes_on[:end]
        longest = int(lengths.max(initial=0))
        if longest == 0:
            return None
        found = self._tokens[1 + np.flatnonzero(lengths == longest)]
        if len(found) > _MANY_PLACES:
            tokens, counts = np.unique(found, return_counts=True)
            return Continuations(longest, tuple(tokens.tolist()), tuple(counts.tolist()))
        counted = Counter(found.tolist())
        ordered = tuple(sorted(counted))
        return Continuations(longest, ordered, tuple(counted[token] for token in ordered))

    def _match(self, token: int) -> None:
        matching = self._matching[: self._size]
        if token == _NO_TOKEN:
            matching[:] = 0
            return
        grown = np.minimum(matching[:-1], LONGEST_SUFFIX_TOKENS - 1)
        grown += 1
        grown *= self._tokens[1 : self._size] == token
        matching[1:] = grown
