"""Runs every kind of step once while a model is loaded: Triton compiles a kernel when it is first launched.

Then every bucket of decode steps is captured as a CUDA graph.

Triton keeps what it has compiled on the disk, so that this takes seconds at the first start and little at later ones.
"""

import logging
import time
from typing import Protocol

import torch
from torch import Tensor

from inference.cache.page_pool import PAGE_TOKENS
from inference.devices.captured_step import CapturedDecoder
from inference.devices.find_places import GPU_CHUNK_TOKENS
from inference.models.batch import Batch, Work, pack_batch

log = logging.getLogger(__name__)

# The new tokens of the sequences of a step: a token, drafts, a few more after a cached prompt, a chunk; and several
# sequences. Kernels for few rows differ from those for many, and both from those that expand the context.
_STEPS = ((1,), (2,), (1, 1), (9,), (17,), (1, 9), (64,), (128,), (256,), (GPU_CHUNK_TOKENS,))

_BUCKETS_A_LINE = 10  # of the log
_ROUNDING = 0.02  # of bf16 logits, relative to the largest


class Model(Protocol):
    def forward(self, batch: Batch, pages: Tensor) -> Tensor: ...


def warm_up(model: Model, memory: Tensor) -> None:
    """Run the steps, and log how far it is. `memory` is the cache's, in which nothing is cached yet.

    Each runs from the beginning of a sequence, and behind a context, unless the cache has no pages for it.
    """
    began_s, total = time.perf_counter(), memory.shape[1]
    contexts = (0, total * PAGE_TOKENS // 2)
    runs = [(counts, context) for counts in _STEPS for context in contexts]
    with torch.inference_mode():
        for number, (counts, context) in enumerate(runs, 1):
            works = [Work([0] * count, context, range(total), 1) for count in counts]
            if all(context + count <= total * PAGE_TOKENS for count in counts):
                model.forward(pack_batch(works, memory.device), memory).argmax(-1)
                if memory.is_cuda:
                    torch.cuda.synchronize(memory.device)
            log.info(
                "%s: %d of %d kinds of steps are compiled, after %.0f s",
                memory.device, number, len(runs), time.perf_counter() - began_s,
            )  # fmt: skip


def capture_steps(model: CapturedDecoder, memory: Tensor) -> None:
    """Run a step of every bucket, which captures it, and log how far it is. Nothing is cached in `memory` yet.

    A graph whose replay gives other logits than the launches before is dropped.
    """
    began_s = time.perf_counter()
    memory.zero_()  # garbage would give NaN, which says nothing of the logits
    steps = model.steps_of(memory)
    with torch.inference_mode():
        for number, bucket in enumerate(steps.buckets, 1):
            tokens, start = range(bucket.rows), bucket.pages * PAGE_TOKENS - bucket.rows
            works = [Work(tokens, start, range(bucket.pages), bucket.rows)] * bucket.sequences
            launched = steps.run(works, bucket, memory)[0].clone()
            if not _agree(launched, steps.run(works, bucket, memory)[0]):
                steps.drop(bucket)
            if number % _BUCKETS_A_LINE == 0 or number == len(steps.buckets):
                log.info(
                    "%s: %d of %d shapes of decode steps are captured, after %.0f s",
                    memory.device, number, len(steps.buckets), time.perf_counter() - began_s,
                )  # fmt: skip


def _agree(launched: Tensor, replayed: Tensor) -> bool:
    """Return whether logits differ by no more than the rounding of sums in another order."""
    return bool((launched - replayed).abs().max() <= _ROUNDING * launched.abs().max())
