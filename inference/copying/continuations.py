"""The continuations of the longest suffix of a text that stands elsewhere, found again after each token.

For each place of the texts one number is kept: how many tokens up to there are those at the end of the output. A token
more changes all of these numbers at once, at the speed of memory, so nothing has to be indexed when a request begins.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

LONGEST_SUFFIX_TOKENS = 8  # a longer one says no more
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
        self._tokens = np.concatenate([known, np.full(max(64, len(known) // 8), _NO_TOKEN, dtype=np.int32)])
        self._matching = np.zeros(self._size, dtype=np.int32)  # the tokens up to each place that are the output's last
        for token in known[max(1, self._size - LONGEST_SUFFIX_TOKENS) :]:
            self._match(int(token))

    def push(self, token: int) -> None:
        """Let the output grow by one `token` of text."""
        if self._size == len(self._tokens):
            self._tokens = np.concatenate([self._tokens, np.full(self._size // 2, _NO_TOKEN, dtype=np.int32)])
        self._tokens[self._size] = token
        self._size += 1
        self._matching = np.append(self._matching, np.int32(0))
        self._match(token)

    def find(self) -> Continuations | None:
        """Return what stands behind the longest suffix; None: its last token stands nowhere else."""
        tokens = self._tokens[: self._size]
        # The last place is the output's own end.
        lengths = self._matching[:-1] * (tokens[1:] != _NO_TOKEN)
        longest = int(lengths.max(initial=0))
        if longest == 0:
            return None
        found, counts = np.unique(tokens[1:][lengths == longest], return_counts=True)
        return Continuations(longest, tuple(found.tolist()), tuple(counts.tolist()))

    def _match(self, token: int) -> None:
        matching = self._matching
        matching[1:] = np.minimum(matching[:-1] + 1, LONGEST_SUFFIX_TOKENS)
        matching *= self._tokens[: self._size] == token if token != _NO_TOKEN else 0
