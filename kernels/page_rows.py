"""Gathers the cache rows of a sequence from pages that may lie anywhere in the pool."""

import torch


def rows_of_sequence(pages: torch.Tensor, table: torch.Tensor, length: int) -> torch.Tensor:
    """Gather pages [P, S, W] by table [N] -> [length, W]: a view of consecutive pages, else a copy."""
    page_tokens = pages.shape[1]
    ids = table[: -(-length // page_tokens)]
    first, count = int(ids[0]), ids.shape[0]
    if ids.tolist() == list(range(first, first + count)):
        return pages[first : first + count].flatten(0, 1)[:length]
    return pages.index_select(0, ids).flatten(0, 1)[:length]
