"""Prompts of the order "psm" for models of tests, and the output that a moved suffix has to give."""

import random
from collections.abc import Sequence

import torch

from inference.cache.page_pool import PAGE_TOKENS
from inference.models.batch import Work, pack_batch
from inference.moved_suffix import FRESH_TOKENS
from inference.prompts.prompt import TokenPrompt
from kernels.move_rows import move_rows
from tests.inference.small_scheduler import Running

CPU = torch.device("cpu")


def random_text(seed: int, count: int) -> tuple[int, ...]:
    rng = random.Random(seed)
    return tuple(rng.randrange(256) for _ in range(count))


def psm(running: Running, prefix: Sequence[int], suffix: Sequence[int]) -> TokenPrompt:
    sentinels = running.tokenizer.sentinels
    assert sentinels.fim is not None
    bos = [] if sentinels.bos is None else [sentinels.bos]
    return TokenPrompt((*bos, sentinels.fim.begin, *prefix, sentinels.fim.hole, *suffix, sentinels.fim.end))


def forget_all(running: Running) -> None:
    """Empty the cache, and let whatever is read from it without being written become NaN, or a scale that is."""
    scheduler = running.scheduler
    scheduler.pool.release(scheduler.tree.evict(1000))
    scheduler._memory.fill_(-1 if scheduler._memory.dtype == torch.int8 else torch.nan)


def output_by_hand(
    running: Running, old: TokenPrompt, new: TokenPrompt, suffix_tokens: int, new_tokens: int
) -> list[int]:
    """Decode greedily after `new`, whose suffix is that of `old` moved, step by step in memory of its own."""
    scheduler, keys = running.scheduler, running.scheduler._suffixes._keys
    model, page_count = scheduler._model, 16
    memory = torch.empty_like(scheduler._memory[:, :1]).repeat(1, 2 * page_count, 1, 1)
    memory.fill_(-1 if memory.dtype == torch.int8 else torch.nan)

    def logits(tokens: Sequence[int], start: int, pages: range) -> torch.Tensor:
        with torch.inference_mode():
            return model.forward(pack_batch([Work(tokens, start, pages, 1)], CPU), memory)[0, : scheduler._vocab_size]

    theirs, ours = range(page_count), range(page_count, 2 * page_count)
    logits(old.tokens, 0, theirs)
    end = new.num_tokens - 1
    start = end - suffix_tokens + FRESH_TOKENS
    for position in range(start):
        logits(new.tokens[position : position + 1], position, ours)
    distance = new.num_tokens - old.num_tokens
    targets = torch.arange(start, end)
    move_rows(memory, targets - distance, targets + page_count * PAGE_TOKENS, distance, keys)
    tokens = list(new.tokens)
    for position in range(end, end + new_tokens):
        tokens.append(int(logits(tokens[position : position + 1], position, ours).argmax()))
    return tokens[new.num_tokens :]
