"""Decode steps as CUDA graphs: one launch repeats all kernels of a step, from its inputs to the greedy tokens.

The step behind such a step takes its tokens where they are, on the device, so it may be launched before the host has
read them. The host then plans as ever: if what it plans is what was launched, nothing is launched again, and else the
launched step was in vain. It wrote entries behind those that count as computed, which the next step overwrites.
"""

import logging
import math
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Protocol

import torch
from torch import Tensor

from inference.devices.graph_buckets import MOST_ROWS, Bucket, StepInputs, buckets, choose_bucket
from inference.devices.token_reader import ReadToken, TokenReader
from inference.models.batch import Batch, Work, pack_batch
from inference.models.decoder import Decoder
from inference.models.deepseek_v2_config import DeepseekV2Config
from inference.models.forward_pass import ALL_SUBLAYERS, ForwardPass, StopFlag
from inference.native.model import NativeModel

log = logging.getLogger(__name__)

_ONE_CAPTURE = Lock()  # torch captures one graph at a time in a process


class Model(Protocol):
    def begin(self, batch: Batch, pages: Tensor) -> ForwardPass: ...


class Capture(Protocol):
    """Captures what `compute` launches, without running it; returns the function that repeats it."""

    def __call__(self, compute: Callable[[], None]) -> Callable[[], None]: ...


class CudaGraphs:
    """Captures CUDA graphs, which share the memory of all that lies between their inputs and outputs."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool = torch.cuda.graph_pool_handle()
        # torch's own belongs to one device, and to all threads.
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch does not say

    def __call__(self, compute: Callable[[], None]) -> Callable[[], None]:
        graph = torch.cuda.CUDAGraph()
        stream = torch.cuda.current_stream(self._device)
        try:
            # Only this thread must keep to what can be captured: the engine of another model may allocate meanwhile.
            with (
                _ONE_CAPTURE,
                torch.cuda.graph(graph, self._pool, self._stream, capture_error_mode="thread_local"),
            ):
                compute()
        finally:
            torch.cuda.set_stream(stream)  # torch leaves its stream current where a capture fails
        return graph.replay


@dataclass(frozen=True)
class Outputs:
    """The results of a step, the same memory for all buckets."""

    logits: Tensor  # [MOST_ROWS, vocabulary] fp32
    tokens: Tensor  # [MOST_ROWS] int64
    logprobs: Tensor  # [MOST_ROWS] fp32


@dataclass
class EarlyStep:
    """A step of one token of each sequence that runs before the host knows these tokens."""

    works: list[Work]  # with any tokens
    tokens: list[int] | None = None  # those of the step before, once they are read

    def begins(self, works: Sequence[Work]) -> bool:
        """Return whether it computes the first token of each of these works."""
        return (
            self.tokens is not None
            and len(works) == len(self.works)
            and [work.tokens[0] for work in works] == self.tokens
            # A sequence has a list of pages of its own.
            and all(
                own.pages is work.pages and own.start == work.start for own, work in zip(self.works, works, strict=True)
            )
        )


class CapturedSteps:
    """The graphs of a decoder's buckets over one cache memory."""

    def __init__(self, decoder: Decoder, vocab_size: int, memory: Tensor, capture: Capture) -> None:
        """`vocab_size` is the tokenizer's; the decoder's head may have more rows."""
        config = decoder.config
        # An attention that expands the context needs its length on the host.
        below_rows = config.absorb_below_tokens if isinstance(config, DeepseekV2Config) else math.inf
        self.buckets = list(buckets(memory.shape[1], below_rows))
        self._decoder = decoder
        self._vocab_size = vocab_size
        self._memory = weakref.ref(memory)  # a scheduler that makes it smaller frees it first
        self._capture = capture
        self._inputs = StepInputs(self.buckets, memory.device)
        self._outputs = Outputs(
            torch.zeros(MOST_ROWS, config.vocab_size, device=memory.device),
            torch.zeros(MOST_ROWS, dtype=torch.int64, device=memory.device),
            torch.zeros(MOST_ROWS, device=memory.device),
        )
        self._reader = TokenReader(MOST_ROWS, memory.device)
        self._early: EarlyStep | None = None
        self._replays: dict[Bucket, Callable[[], None] | None] = {}
        self._has_warned = False

    @property
    def nbytes(self) -> int:
        """The bytes of inputs and outputs on the device."""
        outputs = self._outputs
        return self._inputs.nbytes + sum(each.nbytes for each in (outputs.logits, outputs.tokens, outputs.logprobs))

    def are_of(self, memory: Tensor) -> bool:
        """Return whether the graphs read and write this memory."""
        return self._memory() is memory

    def run(self, works: Sequence[Work], bucket: Bucket, memory: Tensor) -> "tuple[Tensor, Greedy]":
        """Run the works; return the logits [L, vocabulary] of their tokens with the greedy choices.

        Both are overwritten by the next run. Nothing is launched for works that run already.
        """
        if not self.has_launched(works):
            self._inputs.fill(works, bucket)
            self._launch(bucket, memory)
        self._early = None
        return self._outputs.logits[: _logit_rows(works)], Greedy(self, works, memory)

    def has_launched(self, works: Sequence[Work]) -> bool:
        """Return whether `launch_next` has launched these works, but for their drafts."""
        return self._early is not None and self._early.begins(works)

    def launch_next(self, works: Sequence[Work], memory: Tensor) -> None:
        """Launch the step of the tokens that the last run, of `works`, has chosen for each of its sequences.

        Its outputs overwrite those of the last run, which have been sent.
        """
        following = [replace(work, tokens=[0], start=work.positions.stop, logit_tokens=1) for work in works]
        if (bucket := choose_bucket(following, self.buckets)) is not None:
            self._inputs.fill(following, bucket)
            self._inputs.batch(bucket).tokens[: len(works)].copy_(self._outputs.tokens[: len(works)])
            self._launch(bucket, memory)
            self._early = EarlyStep(following)

    def send(self, count: int) -> None:
        """Begin to bring the first `count` chosen tokens to the host."""
        self._reader.send(self._outputs.tokens[:count], self._outputs.logprobs[:count])

    def receive(self) -> list[ReadToken]:
        """Return the tokens that were sent last."""
        choices = self._reader.receive()
        if self._early is not None:
            self._early.tokens = [token for token, _ in choices]
        return choices

    def _launch(self, bucket: Bucket, memory: Tensor) -> None:
        """Launch the bucket's step: at first kernel by kernel, with a capture behind that, and then as a graph."""
        if (replay := self._replays.get(bucket)) is not None:
            replay()
        else:
            self._compute(bucket, memory)
        if bucket not in self._replays:
            self._replays[bucket] = self._try_capture(bucket, memory)

    def drop(self, bucket: Bucket) -> None:
        """Launch the kernels of this bucket one by one from now on: its graph computes something else."""
        self._replays[bucket] = None
        self._warn("the graph of a decode step gives other logits than its kernels")

    def _try_capture(self, bucket: Bucket, memory: Tensor) -> Callable[[], None] | None:
        try:
            return self._capture(lambda: self._compute(bucket, memory))
        except RuntimeError as error:  # torch's and the driver's errors, a lack of memory among them
            self._warn(f"a decode step cannot be captured as a CUDA graph: {error}")
            return None

    def _warn(self, problem: str) -> None:
        """Log the first problem; others are probably the same."""
        if not self._has_warned:
            device = self._inputs.device
            log.warning("%s: %s; the kernels of such steps are launched one by one, which is slower", device, problem)
        self._has_warned = True

    def _compute(self, bucket: Bucket, memory: Tensor) -> None:
        """Compute the outputs from the inputs. All is launched on the device, and nothing waits for it."""
        logits = self._decoder.forward(self._inputs.batch(bucket), memory)
        known = logits[:, : self._vocab_size]
        tokens = known.argmax(-1)
        outputs, count = self._outputs, bucket.all_rows
        outputs.logits[:count].copy_(logits)
        outputs.tokens[:count].copy_(tokens)
        outputs.logprobs[:count].copy_(logprobs_of(known, tokens))


def logprobs_of(logits: Tensor, tokens: Tensor) -> Tensor:
    """Return the log-probabilities [L] of tokens [L] by logits [L, vocabulary]."""
    return logits.gather(-1, tokens[:, None])[:, 0] - logits.logsumexp(-1)


def _logit_rows(works: Sequence[Work]) -> int:
    return sum(work.logit_tokens for work in works)


class Greedy:
    """The likeliest tokens of a captured step, which stay on the device until `read`."""

    def __init__(self, steps: CapturedSteps, works: Sequence[Work], memory: Tensor) -> None:
        self._steps = steps
        self._works = works
        self._memory = memory

    def read(self, *, goes_on: bool) -> list[ReadToken]:
        """Read the tokens. Where each sequence of the step goes on with its token, that step is launched before.

        Every work has then one token.
        """
        self._steps.send(_logit_rows(self._works))
        if goes_on:
            self._steps.launch_next(self._works, self._memory)
        return self._steps.receive()


class CapturedDecoder:
    """A decoder on a GPU whose decode steps are captured. Prompts are read as without it."""

    def __init__(self, decoder: Decoder, vocab_size: int, capture: Capture) -> None:
        self._decoder = decoder
        self._vocab_size = vocab_size
        self._capture = capture
        self._steps: CapturedSteps | None = None

    def forward(self, batch: Batch, pages: Tensor) -> Tensor:
        return self._decoder.forward(batch, pages)

    def begin(self, batch: Batch, pages: Tensor) -> ForwardPass:
        return self._decoder.begin(batch, pages)

    def begin_works(self, works: Sequence[Work], pages: Tensor) -> ForwardPass:
        steps = self.steps_of(pages)
        bucket = choose_bucket(works, steps.buckets)
        if bucket is None:
            return self.begin(pack_batch(works, pages.device), pages)
        return CapturedPass(steps, works, bucket, pages, 2 * len(self._decoder.layers))

    def has_launched(self, works: Sequence[Work], pages: Tensor) -> bool:
        """Return whether a step of these works runs already, but for their drafts."""
        return self._steps is not None and self._steps.are_of(pages) and self._steps.has_launched(works)

    def steps_of(self, pages: Tensor) -> CapturedSteps:
        """Return the captured steps over this memory. Those over another are dropped first, with their memory."""
        if self._steps is None or not self._steps.are_of(pages):
            if self._steps is not None and pages.is_cuda:
                torch.cuda.synchronize(pages.device)  # a graph that runs must not be dropped
            self._steps = None
            self._steps = CapturedSteps(self._decoder, self._vocab_size, pages, self._capture)
        return self._steps


class CapturedPass:
    """A pass that never stops: its kernels are one launch."""

    def __init__(
        self, steps: CapturedSteps, works: Sequence[Work], bucket: Bucket, pages: Tensor, sublayers: int
    ) -> None:
        self._steps = steps
        self._works = works
        self._bucket = bucket
        self._pages = pages
        self.sublayers = sublayers
        self.sublayers_done = 0
        self.greedy: Greedy | None = None  # the likeliest tokens, once it has run

    def run(self, stop: StopFlag | None = None, most_sublayers: int = ALL_SUBLAYERS) -> Tensor:
        logits, self.greedy = self._steps.run(self._works, self._bucket, self._pages)
        self.sublayers_done = self.sublayers
        return logits


def begin_pass(
    model: Model,
    works: Sequence[Work],
    pages: Tensor,
    wants_likeliest: bool = False,
    addends: Tensor | None = None,
) -> ForwardPass:
    """Begin the forward pass of a step: captured, or native, where the model has that.

    `wants_likeliest`: of the logits only the likeliest tokens are looked at. `addends`: see `NativeModel.begin_works`.
    """
    if isinstance(model, NativeModel):
        return model.begin_works(works, pages, wants_likeliest, addends)
    if isinstance(model, CapturedDecoder):
        return model.begin_works(works, pages)
    return model.begin(pack_batch(works, pages.device), pages)
