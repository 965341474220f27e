"""The trial of a model whose speed on this machine is not known: it reads a few tokens before it serves."""

from time import perf_counter
from typing import Protocol

import torch
from torch import Tensor

from inference.cache.page_pool import PAGE_TOKENS
from inference.models.batch import Batch, Work, pack_batch

TRIAL_TOKENS = 64
_TRIAL_S = 0.3  # other programs slow some of the runs down, so the fastest of those that begin in this time counts


class Model(Protocol):
    def forward(self, batch: Batch, pages: Tensor) -> Tensor: ...


def try_reading(model: Model, memory: Tensor) -> float:
    """Return the tokens that the model reads in a second. `memory` is the cache's, in which nothing is cached yet.

    The first run also brings the weights into memory.
    """
    pages = list(range(min(TRIAL_TOKENS // PAGE_TOKENS, memory.shape[1])))
    tokens = list(range(len(pages) * PAGE_TOKENS))
    batch = pack_batch([Work(tokens, 0, pages, 1)], memory.device)
    took_s: list[float] = []
    with torch.inference_mode():
        while sum(took_s) < _TRIAL_S:
            began_s = perf_counter()
            logits = model.forward(batch, memory)
            if not memory.is_cpu:
                logits[0, 0].item()  # waits for the GPU
            took_s.append(perf_counter() - began_s)
    return len(tokens) / min(took_s)
