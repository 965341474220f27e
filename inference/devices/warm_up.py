"""Runs every kind of step once while a model is loaded: Triton compiles a kernel when it is first launched.

Triton keeps what it has compiled on the disk, so that this takes seconds at the first start and little at later ones.
"""

import logging
import time
from typing import Protocol

import torch
from torch import Tensor

from inference.cache.page_pool import PAGE_TOKENS
from inference.devices.find_places import GPU_CHUNK_TOKENS
from inference.models.batch import Batch, Work, pack_batch

log = logging.getLogger(__name__)

# The new tokens of the sequences of a step: a token, drafts, a few more after a cached prompt, a chunk; and several
# sequences. Kernels for few rows differ from those for many, and both from those that expand the context.
_STEPS = ((1,), (2,), (1, 1), (9,), (17,), (1, 9), (64,), (128,), (256,), (GPU_CHUNK_TOKENS,))


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
