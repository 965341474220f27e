"""The step loop: it chooses the sequences that run, gives them pages, and handles the tokens that they yield."""

import logging
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from inference.api import FinishReason, Update
from inference.cache.allocate_memory import LEAST_PAGES, allocate_what_fits
from inference.cache.commit_ahead import CommitAhead
from inference.cache.disk_pages import DiskPages
from inference.cache.page_pool import PAGE_TOKENS, PagePool
from inference.cache.radix_tree import Match, Node, RadixTree
from inference.chunk_size import ChunkSize
from inference.devices.captured_step import begin_pass
from inference.drafting.drafter import MAX_DRAFTED_TOKENS
from inference.heap import trim_heap
from inference.live_sequence import LiveSequence
from inference.models.batch import Batch, Work
from inference.models.forward_pass import ForwardPass
from inference.moved_suffix import MovedSuffixes, next_works
from inference.native.model import NativeModel
from inference.prompts.tokenizer import Sentinels
from inference.sampler import Choice, Sampler, choose_tokens, first_addends, takes_likeliest
from inference.speed.import_torch import complete_torch
from inference.step import Interruptions, Step, is_ahead, keep_to_launched
from inference.threads import threads_for
from inference.turns import Turn, Turns
from kernels.move_rows import RotatedKeys
from midspan import CapacityError, MidspanError

log = logging.getLogger(__name__)

_PREFILL_TOKENS = 64  # a step of so many leaves megabytes of freed memory


class Model(Protocol):
    def forward(self, batch: Batch, pages: Tensor) -> Tensor: ...

    def begin(self, batch: Batch, pages: Tensor) -> ForwardPass: ...


class Scheduler:
    """The waiting and the running sequences. A page is free, a live sequence's, or the tree's.

    Engine thread only, but for `interruptions` and the counts.
    """

    def __init__(
        self,
        model: Model,
        memory: Tensor,  # [layers, pages, PAGE_TOKENS, width of a PageRow]
        dtype: torch.dtype,  # of the model: that of weights which are not quantized
        sentinels: Sentinels,
        vocab_size: int,  # the tokenizer's; a head may have more rows
        chunk_tokens: int,
        active_parameters: int,
        keys: RotatedKeys,
        model_key: bytes,  # for pages on the disk
    ) -> None:
        self._model = model
        self.dtype = dtype
        self._sentinels = sentinels
        self._vocab_size = vocab_size
        self._active_parameters = active_parameters
        self._max_threads = torch.get_num_threads()
        self._waiting: deque[LiveSequence] = deque()
        self._running: dict[LiveSequence, Sampler] = {}
        self._turns = Turns()
        expands = isinstance(model, NativeModel) and model.expands_context
        self._chunk_size = ChunkSize(chunk_tokens, expands_context=expands, is_cpu=memory.is_cpu)
        self.interruptions = Interruptions()
        self.has_prefilled = False  # set by a step that leaves much freed memory behind
        self.has_rested = False
        self._cannot_settle = False
        self._keys = keys
        self._model_key = model_key
        self.device_reason: str | None = None  # a line for people: why it is this device
        self._hold(memory)

    def _hold(self, memory: Tensor) -> None:
        """Begin with an empty cache in `memory`. No request runs."""
        self._memory = memory
        self.pool = PagePool(memory.shape[1])
        self.commit_ahead = CommitAhead(memory, self.pool)
        self.commit_ahead.go_on()
        self.tree = RadixTree()
        self._suffixes = MovedSuffixes(self.tree, memory, self._keys, self._sentinels.fim)
        self.disk = DiskPages(self._model_key, memory, self.pool, self.tree)

    def shrink(self) -> None:
        """Halve the cache, which loses what it holds. No request runs."""
        layers, pages, _, width = self._memory.shape
        dtype, device = self._memory.dtype, self.device
        self.disk.keeper.close()
        del self._memory, self._suffixes, self.commit_ahead, self.disk  # before the smaller one is allocated
        self._hold(allocate_what_fits(layers, max(LEAST_PAGES, pages // 2), width, dtype, device))

    @property
    def device(self) -> torch.device:
        return self._memory.device

    @property
    def instruction_set(self) -> str | None:
        """That of the native step, or nothing where torch computes."""
        return self._model.instruction_set if isinstance(self._model, NativeModel) else None

    @property
    def memory_bytes(self) -> int:
        return self._memory.nbytes

    @property
    def page_dtype(self) -> torch.dtype:
        return self._memory.dtype

    def rest(self) -> None:
        """Do what waits until nobody asks. No request runs."""
        self.has_prefilled = False
        trim_heap()
        complete_torch()
        self.commit_ahead.go_on()
        self.has_rested = True

    def settle(self) -> bool:
        """Do a part of what makes later steps faster; return False once nothing is left. No request runs."""
        if self._cannot_settle or not isinstance(self._model, NativeModel):
            return False
        try:
            return self._model.settle()
        except Exception:  # as for lack of memory: the steps stay as fast as they are
            log.exception("what would make the steps faster has failed")
            self._cannot_settle = True
            return False

    @property
    def live_count(self) -> int:
        return len(self._running)

    @property
    def waiting_count(self) -> int:
        return len(self._waiting)

    @property
    def is_urgent(self) -> bool:
        """True while a foreground request waits or runs."""
        return any(not sequence.request.background for sequence in [*self._running, *self._waiting])

    def add(self, sequence: LiveSequence) -> None:
        self.disk.keeper.pause()
        if sequence.request.background:
            self._waiting.append(sequence)
        else:
            ahead = sum(not other.request.background for other in self._waiting)
            self._waiting.insert(ahead, sequence)

    def step(self, slice_s: float | None = None) -> None:
        """Advance every decoding sequence by a token or its draft, and the shortest prefill by one chunk.

        `inference/turns.py` says whose turn it is. The step may stop (`interruptions`), and a later call goes on with
        it. A step of the background stops after `slice_s`, if that is given.
        """
        self._turns.drop_cancelled()
        self._drop_cancelled()
        self._admit()
        turn = self._turns.choose(self._running, slice_s)
        if (step := turn.stopped or self._begin(turn)) is None:
            return
        self.has_prefilled |= step.new_tokens >= _PREFILL_TOKENS
        if self._max_threads > 1:  # the native step leaves torch one, and each operation of torch costs it time
            parameter_bytes = self.dtype.itemsize  # of wide weights; quantized ones read less and compute more
            most_threads = 1 if step.is_ahead else self._max_threads
            torch.set_num_threads(threads_for(self._active_parameters, parameter_bytes, step.new_tokens, most_threads))
        before_s = step.seconds
        with self.interruptions.running(step):
            logits = step.run(turn.most_sublayers)
        self._turns.count(step, step.seconds - before_s)
        if logits is None:
            self._turns.keep(step)
            return
        self._chunk_size.learn(step)
        found = step.greedy, step.likeliest, step.is_restricted
        chosen = choose_tokens(step.planned, self._running, logits, self._vocab_size, *found)
        for (sequence, work), choices in zip(step.planned, chosen, strict=True):
            self._take_tokens(sequence, work, choices)

    def fail_all(self, error: MidspanError) -> None:
        """End every request with `error`; the tokens that they have computed stay cached."""
        self._turns.drop_all()
        for sequence in [*self._running, *self._waiting]:
            self._end(sequence, "error", error)

    def cancel_all(self) -> None:
        self._turns.drop_all()
        for sequence in [*self._running, *self._waiting]:
            self._end(sequence, "cancelled")

    def check_integrity(self) -> None:
        """Raises RuntimeError when a page has no owner or two."""
        self.tree.check_integrity()
        owned = [page for s in self._running for page in s.pages[s.shared_pages :]]
        if sorted([*owned, *self.tree.pages(), *self.pool.free_pages]) != list(range(self.pool.total_pages)):
            raise RuntimeError("pages: one is lost or has two owners")

    def _drop_cancelled(self) -> None:
        for sequence in [*self._running, *self._waiting]:
            if sequence.cancelled and not self._turns.holds(sequence):
                self._end(sequence, "cancelled")

    def _admit(self) -> None:
        while self._waiting and self._is_read(self._waiting[0]):
            sampler = Sampler(self._waiting[0].request.sampling)
            if not self._start(self._waiting[0], sampler):
                break

    def _is_read(self, sequence: LiveSequence) -> bool:
        """Read some of the pages that only the disk has; False: there are more, and the others run meanwhile."""
        gives_way = sequence.request.background and self.is_urgent
        return not sequence.read_some(self.disk.reader, gives_way=gives_way)

    def _start(self, sequence: LiveSequence, sampler: Sampler) -> bool:
        """Let the first request run, with the cached prefix and all pages that it may need; False: no room for it yet.

        A running sequence then never has to stop for memory.
        """
        sequence.shorten_if_cold(self.tree)
        total = -(-sequence.most_tokens // PAGE_TOKENS)
        if total > self.pool.total_pages:
            self._end(sequence, "error", CapacityError(self._too_large(total)))
            return False
        # Match at most len - 1 tokens: the last must be run again to yield logits.
        match = self.tree.match(sequence.prompt_tokens[:-1])
        found = self._suffixes.find(sequence, match.tokens)
        if found is not None and not self._make_room(match, total, found.node):
            found = None
        if found is None and not self._make_room(match, total):
            # The page that matches in part would only be copied: losing it is better than waiting.
            match = replace(match, tail_node=None, tail_page=None, tail_tokens=0)
            if not self._make_room(match, total):
                return False
        own_pages = self.pool.allocate(total - len(match.pages))
        if match.tail_page is not None:
            copied = self._memory[:, match.tail_page, : match.tail_tokens]
            self._memory[:, own_pages[0], : match.tail_tokens] = copied
        self.tree.lock(match.node)
        sequence.node = match.node
        sequence.pages = [*match.pages, *own_pages]
        sequence.shared_pages = len(match.pages)
        sequence.num_computed_tokens = sequence.cached_tokens = match.tokens
        self._waiting.popleft()
        self._running[sequence] = sampler  # from here on, a fault gives the pages back
        sequence.admitted_s = time.perf_counter()
        if found is not None:
            self._suffixes.move(found, sequence)
        sequence.tell_read()
        return True

    def _make_room(self, match: Match, total_pages: int, *others: Node) -> bool:
        """Evict until the pages beyond the match are free, sparing the match and `others`; False: not possible now."""
        spared = [match.tail_node or match.node, *others]
        for node in spared:
            self.tree.lock(node)
        missing = total_pages - len(match.pages) - self.pool.free_count
        possible = missing <= self.tree.evictable_pages
        if possible and missing > 0:
            self.pool.release(self.tree.evict(missing))
        for node in spared:
            self.tree.unlock(node)
        return possible

    def _too_large(self, pages: int) -> str:
        return (
            f"the request needs {pages * PAGE_TOKENS} tokens of cache and there are "
            f"{self.pool.total_pages * PAGE_TOKENS}; raise cache_bytes or send a shorter prompt"
        )

    def _begin(self, turn: Turn) -> Step | None:
        """Begin the step of a turn; None: there is nothing to compute."""
        if not (planned := keep_to_launched(self._plan(turn), self._model, self._memory)):
            return None
        # What reads a long prompt and nothing else makes way for a shorter one.
        reads_much = sum(len(work.tokens) for _, work in planned) > self._chunk_size.tokens_beside_decoding
        gives_way = turn.is_background or (reads_much and all(s.left_tokens > 1 for s, _ in planned))
        model = self._model
        addends = None
        if isinstance(model, NativeModel):
            model = model.on_one_thread if is_ahead(planned) else model
            addends = first_addends(planned, self._running, model.config.vocab_size)
        is_restricted = addends is not None
        wants_likeliest = is_restricted or all(
            s.copier is None and takes_likeliest(s, self._running) for s, _ in planned
        )
        forward_pass = begin_pass(model, [work for _, work in planned], self._memory, wants_likeliest, addends)
        return Step(
            planned, forward_pass, is_background=turn.is_background, gives_way=gives_way, is_restricted=is_restricted
        )

    def _plan(self, turn: Turn) -> list[tuple[LiveSequence, Work]]:
        planned = []
        room = self._chunk_size.choose(turn.sequences, is_background=turn.is_background)
        for sequence in turn.sequences:
            rest = sequence.left_tokens
            take = rest if rest == 1 else min(rest, room)
            if take == 0:
                continue
            room -= take if rest > 1 else 0  # one chunk a step, so that a cancel is seen soon
            # On a GPU all rows are chosen at once, and which tokens a begun word allows is known for the first alone.
            is_drafted = self._memory.is_cpu or not sequence.stream.is_healing
            works = next_works(sequence, take, MAX_DRAFTED_TOKENS // len(self._running) if is_drafted else 0)
            planned += [(sequence, work) for work in works]
        return planned

    def _take_tokens(self, sequence: LiveSequence, work: Work, choices: Iterator[Choice]) -> None:
        """Take the chosen tokens as far as the drafted ones are right.

        A drafted token counts as computed once it is known to be right. The entries of a wrong one and of those behind
        it lie past `num_computed_tokens`: nothing reads them, and the next step overwrites them.
        """
        drafted = work.tokens[len(work.tokens) - max(work.logit_tokens - 1, 0) :]
        sequence.advance(len(work.tokens) - len(drafted))
        sequence.drafted_tokens += len(drafted)
        accepted = 0
        for token, logprob in choices:
            is_right = accepted < len(drafted) and token == drafted[accepted]
            accepted += is_right
            sequence.accepted_tokens += is_right
            self._take_token(sequence, token, logprob)
            if not is_right or sequence.cancelled or sequence not in self._running:
                break
            sequence.num_computed_tokens += 1
        sequence.learn(accepted)

    def _take_token(self, sequence: LiveSequence, token: int, logprob: float) -> None:
        if token in self._sentinels.ends:
            self._end(sequence, "eos")
        elif token in self._sentinels.all:
            self._end(sequence, "fim")
        elif reason := sequence.emit_token(token, logprob):
            self._end(sequence, reason)

    def _end(self, sequence: LiveSequence, reason: FinishReason, error: MidspanError | None = None) -> None:
        """Give the exact pages to the tree and the others back to the pool, and hand out the last update."""
        if sequence in self._running:
            del self._running[sequence]
            used = -(-sequence.exact_tokens // PAGE_TOKENS)
            computed = sequence.tokens[: sequence.exact_tokens]
            orphans = self.tree.insert(computed, sequence.pages[:used])
            self.pool.release([*orphans, *sequence.pages[used:]])
            self._suffixes.remember(sequence)
            if sequence.node is not None:
                self.tree.unlock(sequence.node)
            self.disk.keeper.note(sequence.prompt_tokens[: sequence.exact_tokens], sequence.pages_to_keep)
        else:
            self._waiting.remove(sequence)
        rest = sequence.stream.finish() if reason in ("eos", "length") else ""
        sequence.emit(Update(rest, reason, sequence.trace(), error))
