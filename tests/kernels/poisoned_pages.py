"""Pages of sequences, with NaN in every slot that no sequence wrote."""

from collections.abc import Sequence

import torch

NAN = float("nan")


def write_sequences(
    lengths: Sequence[int], page_tokens: int, width: int, consecutive: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Write random rows into pages [P, page_tokens, width] with a table [B, N]; consecutive pages, or anywhere.

    Other slots are NaN, and other table entries name a page that does not exist.
    """
    needed = [-(-length // page_tokens) for length in lengths]
    page_count = sum(needed) + 3
    ids = torch.arange(page_count) if consecutive else torch.randperm(page_count)
    table = torch.full((len(needed), max(needed) + 2), 10**6, dtype=torch.int32)
    pages = torch.full((page_count, page_tokens, width), NAN)
    for b, (length, count) in enumerate(zip(lengths, needed, strict=True)):
        mine = ids[sum(needed[:b]) :][:count]
        table[b, :count] = mine
        rows = torch.full((count * page_tokens, width), NAN)
        rows[:length] = torch.randn(length, width)
        pages[mine] = rows.view(count, page_tokens, width)
    return pages, table
