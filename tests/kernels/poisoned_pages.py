"""Pages of sequences, with NaN in every slot that no sequence wrote."""

import mmap
from collections.abc import Sequence

import torch

NAN = float("nan")
MAP_NORESERVE = 0x4000  # Linux; Python 3.11 does not name it


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


def far_apart(pages: torch.Tensor) -> torch.Tensor:
    """Copy pages [P, S, W] so far apart that 32 bits do not count the items before the last; they take no memory."""
    distance = (1 << 31) // (len(pages) - 1) + pages[0].numel()
    flat = untouched_memory(distance * len(pages), pages.dtype).to(pages.device)
    far = flat.as_strided(pages.shape, (distance, pages.shape[2], 1))
    return far.copy_(pages)


def many_pages(page_tokens: int, width: int, dtype: torch.dtype) -> torch.Tensor:
    """Return pages of zeros, so many that 32 bits do not count the items before the last; they take no memory."""
    count = (1 << 31) // (page_tokens * width) + 2
    return untouched_memory(count * page_tokens * width, dtype).view(count, page_tokens, width)


def untouched_memory(items: int, dtype: torch.dtype) -> torch.Tensor:
    """Map memory that takes none until it is written."""
    memory = mmap.mmap(-1, items * dtype.itemsize, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE)
    return torch.frombuffer(memory, dtype=dtype)
