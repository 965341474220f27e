"""A suffix that is moved instead of computed: in the order "psm" it stands behind the prefix, which grows at each key.

The cache still has the suffix as an earlier request computed it, some tokens before. Those entries are copied, and
their keys are rotated to where the suffix is now; the scheduler computes what stands before and behind them. What is
approximate is that they have not seen the tokens that the prompt has changed since: benchmarks/cursor/moved_suffix.py
measures what that costs. The sentinel in front of the suffix is computed anew, because the model reads from it where
the hole begins, and so are the first tokens of the suffix.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import torch
from torch import Tensor

from inference.cache.page_pool import PAGE_TOKENS
from inference.cache.radix_tree import Match, Node, RadixTree
from inference.live_sequence import LiveSequence
from inference.models.batch import Work
from inference.prompts.tokenizer import FimSentinels
from kernels.move_rows import RotatedKeys, move_rows

FRESH_TOKENS = 4  # at the head of the suffix: with them, nearly all outputs are those of an exact suffix
# Fewer moved tokens save nothing: a step takes as long for a few more.
LEAST_MOVED_TOKENS = 4
# The tokens of the prompt that may have changed since the suffix was computed: some 10 lines of code. Behind an older
# one a model of 1.5B writes 1.2 points fewer right lines than behind an exact one (docs/benchmarks.md).
MOST_AGE_TOKENS = 96
# At the head of the suffix so many tokens may have come or gone: a bracket that an editor closes, a word.
_MOST_EDITED_TOKENS = 8
_MOST_SOURCES = 32


@dataclass(frozen=True)
class Move:
    """The rows to move: those of the positions `target` of a prompt stand `distance` tokens before in `source`."""

    source: tuple[int, ...]
    target: range
    distance: int
    age_tokens: int  # those that came or went before the moved ones since they were computed

    @property
    def source_range(self) -> range:
        return range(self.target.start - self.distance, self.target.stop - self.distance)


@dataclass(frozen=True)
class Found:
    """A move whose rows the cache still has. Valid as a match is."""

    move: Move
    match: Match

    @property
    def node(self) -> Node:
        return self.match.tail_node or self.match.node


class MovedSuffixes:
    """The prompts that were computed exactly and lately, whose suffixes may be moved. Engine thread only.

    They own no pages: the entries are the radix tree's, and may be gone.
    """

    def __init__(self, tree: RadixTree, memory: Tensor, keys: RotatedKeys, fim: FimSentinels | None) -> None:
        self._tree = tree
        self._memory = memory
        self._keys = keys
        self._fim = fim
        self._sources: dict[tuple[int, ...], range] = {}  # their suffixes; the newest last

    def remember(self, sequence: LiveSequence) -> None:
        """Let later requests move the suffix of this one, if all of it was computed exactly."""
        prompt = sequence.prompt_tokens
        suffix = suffix_of(prompt, self._fim)
        if suffix is None or sequence.moved or sequence.num_computed_tokens < suffix.stop:
            return
        self._sources.pop(prompt, None)
        self._sources[prompt] = suffix
        for oldest in list(islice(self._sources, max(0, len(self._sources) - _MOST_SOURCES))):
            del self._sources[oldest]

    def find(self, sequence: LiveSequence, cached_tokens: int) -> Found | None:
        """Find rows for the suffix of a request, whose first `cached_tokens` are in the cache exactly.

        Of several sources, that is taken which leaves the fewest tokens to compute, and is the youngest.
        """
        prompt = sequence.prompt_tokens
        suffix = suffix_of(prompt, self._fim) if sequence.request.may_move_suffix else None
        if suffix is None:
            return None
        moves = [move for source in self._sources if (move := self._move_from(source, prompt, suffix, cached_tokens))]
        for move in sorted(moves, key=lambda move: move.age_tokens - len(move.target)):
            match = self._tree.match(move.source[: move.source_range.stop])
            lost = move.source_range.stop - match.tokens
            if len(move.target) - lost >= LEAST_MOVED_TOKENS:
                return Found(replace(move, target=range(move.target.start, move.target.stop - lost)), match)
            del self._sources[move.source]  # the tree has evicted it
        return None

    def move(self, found: Found, sequence: LiveSequence) -> None:
        """Write the rows into the pages of the sequence, which the tree does not own."""
        move, match = found.move, found.match
        pages = [*match.pages, *([] if match.tail_page is None else [match.tail_page])]
        sources, targets = self._slots(pages, move.source_range), self._slots(sequence.pages, move.target)
        move_rows(self._memory, sources, targets, move.distance, self._keys)
        sequence.moved, sequence.moved_age_tokens = move.target, move.age_tokens
        sequence.advance(0)

    def _slots(self, pages: Sequence[int], positions: range) -> Tensor:
        slots = [pages[p // PAGE_TOKENS] * PAGE_TOKENS + p % PAGE_TOKENS for p in positions]
        return torch.tensor(slots, device=self._memory.device)

    def _move_from(
        self, source: tuple[int, ...], prompt: tuple[int, ...], suffix: range, cached_tokens: int
    ) -> Move | None:
        old = self._sources[source]
        prefix_age = changed_tokens(source[: old.start - 1], prompt[: suffix.start - 1])
        if prefix_age is None:
            return None
        edit = align(source[old.start : old.stop], prompt[suffix.start : suffix.stop])
        start = max(suffix.start + edit.new + FRESH_TOKENS, cached_tokens)
        target = range(start, suffix.start + edit.new + edit.same)
        age_tokens = prefix_age + edit.new + edit.old
        if len(target) < LEAST_MOVED_TOKENS or age_tokens > MOST_AGE_TOKENS:
            return None
        return Move(source, target, suffix.start + edit.new - old.start - edit.old, age_tokens)


def next_works(sequence: LiveSequence, count: int, most_drafted_tokens: int) -> Iterator[Work]:
    """Yield the next `count` tokens to compute, with a draft behind the last known one.

    Moved tokens that lie between them part them in two. Both run in one step: each layer writes the entries of all
    before it attends.
    """
    for span in sequence.next_spans(count):
        tokens = sequence.tokens[span.start : span.stop]
        logit_tokens = 0
        if span.stop == len(sequence.tokens):
            drafted = sequence.propose(most_drafted_tokens)
            tokens += drafted
            logit_tokens = 1 + len(drafted)
        yield Work(tokens, span.start, sequence.pages, logit_tokens)


def suffix_of(prompt: tuple[int, ...], fim: FimSentinels | None) -> range | None:
    """Return the positions of the suffix in a prompt of the order "psm", between its two sentinels.

    None for other prompts, and where the suffix is too short to be moved.
    """
    if fim is None or prompt[-1] != fim.end:
        return None
    for back, token in enumerate(reversed(prompt[:-1])):
        if token == fim.begin:  # the order "spm": the prefix is last
            return None
        if token == fim.hole:
            suffix = range(len(prompt) - 1 - back, len(prompt) - 1)
            return suffix if len(suffix) >= FRESH_TOKENS + LEAST_MOVED_TOKENS else None
    return None


def changed_tokens(old: tuple[int, ...], new: tuple[int, ...]) -> int | None:
    """Return the number of tokens that went from the end of `old` and came in `new`; None for more than an age."""
    same = max(0, (len(old) + len(new) - MOST_AGE_TOKENS) // 2)
    if old[:same] != new[:same]:
        return None
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    return len(old) + len(new) - 2 * same


@dataclass(frozen=True)
class Edit:
    """At the heads of two texts, `old` tokens went and `new` came; the `same` tokens behind these are equal."""

    old: int
    new: int
    same: int


def align(old: tuple[int, ...], new: tuple[int, ...]) -> Edit:
    """Find the smallest edit at the heads behind which most tokens are the same."""
    best = Edit(0, 0, 0)
    for gone, came in _edits():
        if old[gone : gone + 1] == new[came : came + 1]:
            same = _common(old[gone:], new[came:])
            best = Edit(gone, came, same) if same > best.same else best
    return best


def _edits() -> Iterator[tuple[int, int]]:
    """Yield the tokens that went and came, the smallest edits first."""
    for edited in range(2 * _MOST_EDITED_TOKENS + 1):
        for gone in range(max(0, edited - _MOST_EDITED_TOKENS), min(edited, _MOST_EDITED_TOKENS) + 1):
            yield gone, edited - gone


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    length = min(len(a), len(b))
    if a[:length] == b[:length]:
        return length
    return next(i for i in range(length) if a[i] != b[i])
