"""Gathers the cache rows of a sequence from pages that may lie anywhere in the pool."""

import torch

from kernels.few_shapes import round_down, round_up


def rows_of_sequence(pages: torch.Tensor, table: torch.Tensor, length: int) -> torch.Tensor:
    """Gather pages [P, S, W] by table [N] -> [length, W]: a view of consecutive pages, else a copy."""
    page_tokens = pages.shape[1]
    ids = table[: -(-length // page_tokens)]
    first, count = int(ids[0]), ids.shape[0]
    if ids.tolist() == list(range(first, first + count)):
        return pages[first : first + count].flatten(0, 1)[:length]
    return pages.index_select(0, ids).flatten(0, 1)[:length]


def spans_of_sequence(pages: torch.Tensor, table: torch.Tensor, length: int) -> list[torch.Tensor]:
    """Cut the rows [length, W] of a sequence into spans of round lengths, so that products with them have few shapes.

    The last span is a copy of at most an eighth of the rows and a few pages, with rows of zeros at its end.
    """
    page_tokens = pages.shape[1]
    whole = round_down(length // page_tokens) * page_tokens if length >= 8 * page_tokens else 0
    spans = [rows_of_sequence(pages, table, whole)] if whole else []
    if rest := length - whole:
        last = pages.new_zeros(round_up(rest, page_tokens), pages.shape[-1])
        last[:rest] = rows_of_sequence(pages, table[whole // page_tokens :], rest)
        spans.append(last)
    return spans
