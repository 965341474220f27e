"""Speculative drafts: several tokens a step.

A step computes a few tokens that probably come next together with the last known one, and the model's own choice at
each of them tells how many were right. The greedy output stays the same. The tokens come from several sources; the
source and the number of tokens are chosen by what was measured: how often such tokens were right, and what the rows of
a step cost on this machine.
"""

import time
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from itertools import takewhile
from typing import get_args

from inference.api import Draft, DraftSource, DraftUse, Request
from inference.drafting.acceptance import Acceptance
from inference.drafting.alternatives import Alternatives, RepeatedSuffix
from inference.drafting.chain import Expected, MayCome, Source, any_may_come
from inference.drafting.continuation import Continuation, Continuations
from inference.drafting.costs import StepCosts
from inference.drafting.edit_draft import EditDraft
from inference.drafting.lookup import Lookup
from inference.drafting.worth import Worth
from inference.prompts.prompt import read_tokens, split_at_hole
from inference.prompts.tokenizer import FimSentinels

MAX_DRAFTED_TOKENS = 16  # in one step, of all sequences
_LEAST_GAIN = 1.02  # as a factor: what is gained less surely is not worth the measuring errors
_SURE_GAIN = 1.6  # where no more is asked for
_LEAST_SHARE = 0.03  # the probability at which a draft ends
_SUFFIX_TOKENS = 48
ALL_SOURCES: frozenset[DraftSource] = frozenset(get_args(DraftSource))


def _count(used: dict[DraftSource, list[int]], proposed: Sequence[Expected], right: int) -> None:
    """Count proposed tokens by source, of which the first `right` ones were right."""
    for place, expected in enumerate(proposed):
        counts = used.setdefault(expected.source, [0, 0])
        counts[0] += 1
        counts[1] += place < right


@dataclass
class Drafting:
    """The experience of one engine with drafts. Engine thread only, but for `begin`.

    `sources` take part: a benchmark measures each alone.
    """

    costs: StepCosts = field(default_factory=StepCosts)
    acceptance: Acceptance = field(default_factory=Acceptance)
    worth: Worth = field(default_factory=Worth)
    sources: Set[DraftSource] = ALL_SOURCES
    continuations: Continuations | None = None  # of a small model, once it is loaded

    def begin(self, request: Request, fim: FimSentinels | None) -> "Drafter | None":
        """Return the drafter of a request; None for a sampled output, which a draft changes, or a given one."""
        if request.sampling.temperature > 0 or request.given or not self.sources:
            return None
        return Drafter(self, list(self._sources_of(request, fim)))

    def _sources_of(self, request: Request, fim: FimSentinels | None) -> Iterator[Source]:
        """Yield the sources, those that know the output best first."""
        drafts = [draft for draft in request.drafts if draft.tokens and draft.source in self.sources]
        yield from (EditDraft(draft.tokens) for draft in drafts if draft.source == "edit")
        beginning_sources: tuple[DraftSource, ...] = ("prediction", "lines", "renamed")
        for source in beginning_sources:
            if beginnings := [draft.tokens for draft in drafts if draft.source == source]:
                yield Alternatives(source, beginnings)
        tokens = read_tokens(request.prompt)
        before, suffix = split_at_hole(tokens, fim)
        if "suffix" in self.sources and suffix:
            yield RepeatedSuffix(suffix[:_SUFFIX_TOKENS])
        texts = [draft for draft in drafts if draft.source != "edit"]
        has_prompt = "prompt" in self.sources
        if has_prompt:
            texts.append(Draft("prompt", tuple(tokens)))
        if texts:
            # Behind the tokens before the hole the prompt has a sentinel, at the place that matches best.
            never = frozenset() if fim is None else {fim.begin, fim.hole, fim.end}
            yield Lookup(texts, before, never, has_output=has_prompt)
        if self.continuations is not None and "builtin" in self.sources and len(before) < len(tokens):
            yield Continuation(self.continuations, before, suffix, request.begins_with)


class Drafter:
    """Drafts the tokens of one sequence. Each token of its output goes through `push`, in order."""

    def __init__(self, drafting: Drafting, sources: Sequence[Source]) -> None:
        self._drafting = drafting
        self._sources = sources
        self._used: dict[DraftSource, list[int]] = {}
        self._chains: list[list[Expected]] = []  # since the last proposal
        self._proposed: list[Expected] = []
        self._chosen: Source | None = None
        self._pushed: list[int] = []
        self._timed_from_s: float | None = None
        self.has_withdrawn = False  # the last proposal

    @property
    def uses(self) -> tuple[DraftUse, ...]:
        """The drafted tokens so far, by source, with those of the step whose tokens are being taken."""
        used = {source: [*counts] for source, counts in self._used.items()}
        _count(used, self._proposed, self._right)
        return tuple(DraftUse(source, *counts) for source, counts in used.items())

    @property
    def _right(self) -> int:
        """The number of proposed tokens that have proved to be right."""
        pairs = zip(self._proposed, self._pushed, strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0].token == pair[1], pairs))

    def propose(self, room: int, *, is_timed: bool, may_come: MayCome = any_may_come) -> list[int]:
        """Return the tokens to compute together with the last known one, `room` at most.

        `may_come` says of a token whether it can be the next one: not each can where a word is begun.
        `is_timed`: the step computes nothing else, so its time tells the cost of its rows. The time of the processor
        counts, on this thread, which computes a part of each step: other programs stop a step for as long as ten take.
        """
        began_s = time.thread_time()
        self.has_withdrawn = False
        self._chains, self._proposed, self._chosen, self._pushed = [], [], None, []
        if room > 0 and self._drafting.worth.may_draft():
            self._choose(room, may_come)
        ended_s = time.thread_time()
        self._drafting.worth.spend(1000 * (ended_s - began_s))
        self._timed_from_s = ended_s if is_timed else None
        return [expected.token for expected in self._proposed]

    def withdraw(self) -> None:
        """Take the proposal back: the step computes none of its tokens."""
        self._proposed, self._chosen, self.has_withdrawn = [], None, True

    def push(self, token: int) -> None:
        """Follow the output by one `token`."""
        if self._timed_from_s is not None:
            ms = 1000 * (time.thread_time() - self._timed_from_s)
            self._drafting.costs.note(1 + len(self._proposed), ms)
            self._timed_from_s = None
        self._pushed.append(token)
        for source in self._sources:
            source.push(token)

    def learn(self, accepted: int) -> None:
        """Learn that so many of the proposed tokens were right, and which tokens the other sources expected."""
        if not self._pushed:  # a part of the prompt was computed
            return
        drafting = self._drafting
        for chain in self._chains:
            for expected, token in zip(chain, self._pushed, strict=False):
                drafting.acceptance.learn(expected, expected.token == token)
                if expected.token != token:
                    break
        _count(self._used, self._proposed, accepted)
        if isinstance(self._chosen, EditDraft):
            self._chosen.learn(len(self._proposed), accepted)
        drafting.worth.earn(drafting.costs, len(self._proposed), accepted)
        self._proposed = []

    def _choose(self, room: int, may_come: MayCome) -> None:
        """Choose the source and the number of tokens that promise the most tokens for the time of a step."""
        best = _LEAST_GAIN
        for source in self._sources:
            if isinstance(source, Continuation) and not self._asks(source, best):
                continue
            gain, count, chain = self._weigh(source, room, may_come)
            self._chains.append(chain)
            if gain > best:
                best, self._chosen, self._proposed = gain, source, chain[:count]

    def _asks(self, source: Continuation, best: float) -> bool:
        """Return whether the small model is asked, which takes time, where the other sources promise `best`."""
        return best < _SURE_GAIN and source.pays(self._drafting.costs.step_ms)

    def _weigh(self, source: Source, room: int, may_come: MayCome) -> tuple[float, int, list[Expected]]:
        """Return the best ratio of tokens to time, in those of a step without a draft, and its number of tokens."""
        acceptance, costs = self._drafting.acceptance, self._drafting.costs
        chain: list[Expected] = []
        best, best_count, tokens, share = 1.0, 0, 1.0, 1.0
        for expected in source.expect(may_come):
            chain.append(expected)
            share *= acceptance.share(expected)
            tokens += share
            gain = tokens / costs.relative(1 + len(chain))
            if gain > best:
                best, best_count = gain, len(chain)
            if len(chain) == room or share < _LEAST_SHARE:
                break
        return best, best_count, chain
