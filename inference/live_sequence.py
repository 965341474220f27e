"""A request of the local engine while it waits or runs."""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from inference.api import FinishReason, KeptPages, OnUpdate, Request, Trace, Update
from inference.cache.radix_tree import Node, RadixTree
from inference.copying.copier import Copied, Copier
from inference.drafting.drafter import MAX_DRAFTED_TOKENS, Drafter
from inference.prompts.prompt import read_tokens
from inference.prompts.text_stream import TextStream

if TYPE_CHECKING:  # imports torch
    from inference.cache.page_reader import MissedPages, PageReader

log = logging.getLogger(__name__)

# A quick prompt saves time where it is this much shorter than what the whole one would have to compute.
QUICK_BELOW = 1.5


@dataclass(eq=False)
class LiveSequence:
    """The tokens of a request so far, their pages, and the receiver of its output.

    `pages` covers the prompt and the whole output; its first `shared_pages` belong to the radix tree, the rest to
    this sequence. Any thread may set `cancelled`; only the engine thread touches the rest.
    """

    request: Request
    on_update: OnUpdate
    stream: TextStream
    context_tokens: int
    drafter: Drafter | None = None
    copier: Copier | None = None
    submitted_s: float = field(default_factory=time.perf_counter)
    tokens: list[int] = field(default_factory=list)
    num_computed_tokens: int = 0  # tokens whose cache entries are written, all from the first one on
    pages: list[int] = field(default_factory=list)
    shared_pages: int = 0
    node: Node | None = None  # locked in the radix tree
    missed: "MissedPages | None" = None  # of the tree, and found on the disk
    cached_tokens: int = 0
    # Positions whose cache entries were moved here, and are no exact ones, nor are those behind them.
    moved: range = range(0)
    moved_age_tokens: int = 0
    begun_tokens: int = 0  # output tokens that wrote only the begun word
    newlines: int = 0
    written: list[tuple[int, float]] = field(default_factory=list)  # the other output tokens, as in the trace
    written_characters: int = 0
    logprob_sum: float = 0.0  # of these tokens
    admitted_s: float | None = None
    first_token_s: float | None = None
    text: str = ""  # the output, for `Request.is_over`
    drafted_tokens: int = 0
    accepted_tokens: int = 0
    is_quick: bool = False  # the quick prompt is read
    cancelled: bool = False

    def __post_init__(self) -> None:
        self.prompt_tokens = read_tokens(self.request.prompt)
        self.tokens = list(self.prompt_tokens)

    def read_some(self, reader: "PageReader", *, gives_way: bool) -> bool:
        """Read some of the prompt's pages that only the disk has; True while more are left."""
        self.missed = self.missed or reader.find(self.prompt_tokens[:-1], self.request.kept_pages)
        return reader.read_some(self.missed, gives_way=gives_way)

    @property
    def pages_to_keep(self) -> KeptPages | None:
        """The place on the disk for the prompt's pages; None for what nobody has asked for yet."""
        return None if self.request.background else self.request.kept_pages

    def shorten_if_cold(self, tree: RadixTree) -> None:
        """Take the quick prompt where clearly more of the whole one would have to be computed than the quick one has.

        To be called before the request has pages.
        """
        if self.request.quick_prompt is None or self.is_quick:
            return
        quick_tokens = read_tokens(self.request.quick_prompt)
        missing = len(self.prompt_tokens) - tree.match(self.prompt_tokens[:-1]).tokens
        if missing > QUICK_BELOW * len(quick_tokens):
            self.prompt_tokens, self.tokens, self.is_quick = quick_tokens, list(quick_tokens), True

    @property
    def output_tokens(self) -> int:
        return len(self.tokens) - len(self.prompt_tokens)

    @property
    def written_tokens(self) -> int:
        """The number of output tokens that count towards `max_new_tokens`."""
        return self.output_tokens - self.begun_tokens

    @property
    def left_tokens(self) -> int:
        """The tokens that are still to be computed: one while the sequence decodes."""
        moved_ahead = len(self.moved) if self.num_computed_tokens < self.moved.stop else 0
        return len(self.tokens) - self.num_computed_tokens - moved_ahead

    @property
    def exact_tokens(self) -> int:
        """The computed tokens whose cache entries are those of a plain prefill."""
        return min(self.num_computed_tokens, self.moved.start) if self.moved else self.num_computed_tokens

    def next_spans(self, count: int) -> list[range]:
        """Return the positions of the next `count` tokens to compute, as spans: moved tokens may lie between them."""
        start, moved = self.num_computed_tokens, self.moved
        if start >= moved.stop or start + count <= moved.start:
            return [range(start, start + count)]
        behind = start + count - moved.start
        return [range(start, moved.start), range(moved.stop, moved.stop + behind)]

    def advance(self, count: int) -> None:
        """Count the next `count` tokens as computed, and the moved ones that follow them."""
        self.num_computed_tokens += count
        if self.moved and self.num_computed_tokens == self.moved.start:
            self.num_computed_tokens = self.moved.stop
        self.tell_read()

    def tell_read(self) -> None:
        """Tell how much of the prompt is left. A receiver that fails loses its request, as that of an update does."""
        if self.request.on_read is None or self.output_tokens:
            return
        try:
            self.request.on_read(self.left_tokens)
        except Exception:
            log.exception("the receiver of the progress failed; its request is cancelled")
            self.cancelled = True

    @property
    def most_tokens(self) -> int:
        """The most tokens that prompt and output may have together.

        The begun word may take as many tokens as it has bytes, but not beyond the end of the context, so that a begun
        word never makes a request too long.
        """
        request = self.request
        wanted = len(self.prompt_tokens) + len(request.begins_with.encode()) + request.max_new_tokens
        return min(wanted, self.context_tokens)

    @property
    def room_tokens(self) -> int:
        """The number of tokens by which the output may still grow."""
        return min(self.request.max_new_tokens - self.written_tokens, self.most_tokens - len(self.tokens))

    def emit(self, update: Update) -> None:
        """Hand out an update. A receiver that fails loses its request and does not harm the engine."""
        try:
            self.on_update(update)
        except Exception:
            log.exception("the receiver of an update failed; its request is cancelled")
            self.cancelled = True

    def emit_token(self, token: int, logprob: float) -> FinishReason | None:
        """Append an output token and hand out its text; return the limit that it has reached, if any."""
        if self.first_token_s is None:
            self.first_token_s = time.perf_counter()
        self.tokens.append(token)
        if self.drafter is not None:
            self.drafter.push(token)
        if self.copier is not None:
            self.copier.push(token)
        is_begun = self.stream.is_awaited(token)
        text, complete = self._within_line_budget(self.stream.push(token))
        self.written_characters += len(text)
        if is_begun:
            self.begun_tokens += 1
        else:
            self.written.append((self.written_characters, logprob))
            self.logprob_sum += logprob
        if text:
            self.emit(Update(text))
        if complete:
            return "lines"
        if (text and self._is_over(text)) or self._is_hopeless:
            return "over"
        return "length" if self.room_tokens <= 0 else None

    @property
    def _is_hopeless(self) -> bool:
        least = self.request.least_logprob
        return least is not None and self.logprob_sum < least

    def _is_over(self, piece: str) -> bool:
        """Ask the request. A check that fails loses its request and does not harm the engine."""
        if self.request.is_over is None:
            return False
        begins_at = len(self.text)
        self.text += piece
        try:
            return self.request.is_over(self.text, begins_at)
        except Exception:
            log.exception("the check of an output failed; its request is cancelled")
            self.cancelled = True
            return False

    def propose(self, room: int) -> Sequence[int]:
        """Return the tokens that probably come next, `room` at most, within what the request may still write.

        Of a given output these are all that are left: one step scores them.
        """
        if self.request.given:
            return self.request.given[self.output_tokens :]
        if self.drafter is None:
            return ()
        # The last token of an output is never computed, so it is not worth a draft either.
        most = min(room, self.room_tokens - 1)
        is_alone = room == MAX_DRAFTED_TOKENS and self.left_tokens == 1
        is_timed = is_alone and not self.stream.is_healing
        return self.drafter.propose(most, is_timed=is_timed, may_come=self.stream.may_come)

    def withdraw_draft(self) -> None:
        """Tell the drafter that none of its tokens is computed."""
        if self.drafter is not None:
            self.drafter.withdraw()

    @property
    def goes_on(self) -> bool:
        """True when probably one token more is computed behind the next one: no draft is due, and no limit is near."""
        drafts = self.drafter is not None and self.drafter.has_withdrawn
        return self.room_tokens > 1 and not self.cancelled and not drafts

    def learn(self, accepted: int) -> None:
        """Tell the drafter how many of its tokens were right."""
        if self.drafter is not None:
            self.drafter.learn(accepted)

    def copied(self) -> Copied | None:
        """Return the copy distribution over the next token; None: the model alone says what comes."""
        if self.copier is None:
            return None
        if not self.output_tokens:  # only now it is certain which prompt was read
            self.copier.begin(self.prompt_tokens)
        return self.copier.copied()

    def _within_line_budget(self, text: str) -> tuple[str, bool]:
        """Cut `text` before the newline that would begin one line too many, and tell whether it was cut."""
        limit = self.request.max_lines
        if limit is None:
            return text, False
        for index, character in enumerate(text):
            if character == "\n":
                self.newlines += 1
                if self.newlines >= limit:
                    return text[:index], True
        return text, False

    def trace(self) -> Trace:
        prompt_tokens = len(self.prompt_tokens)
        read_tokens = min(self.num_computed_tokens, prompt_tokens)
        moved_tokens = len(self.moved) if read_tokens >= self.moved.stop else 0
        return Trace(
            prompt_tokens=prompt_tokens,
            cached_tokens=self.cached_tokens,
            prefilled_tokens=read_tokens - self.cached_tokens - moved_tokens,
            moved_tokens=moved_tokens,
            moved_age_tokens=self.moved_age_tokens if moved_tokens else 0,
            decode_tokens=self.output_tokens,
            ttft_ms=self._ms_since_submit(self.first_token_s) if self.first_token_s else None,
            total_ms=self._ms_since_submit(time.perf_counter()),
            confidence=math.exp(self.logprob_sum / self.written_tokens) if self.written_tokens else None,
            written=tuple(self.written),
            drafted_tokens=self.drafted_tokens,
            accepted_tokens=self.accepted_tokens,
            drafts=self.drafter.uses if self.drafter is not None else (),
            queue_ms=self._ms_since_submit(self.admitted_s) if self.admitted_s is not None else None,
            is_quick=self.is_quick,
        )

    def _ms_since_submit(self, moment_s: float) -> float:
        return (moment_s - self.submitted_s) * 1000
