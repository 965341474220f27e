"""The memory of all pages of a cache."""

import logging

import torch
from torch import Tensor

from inference.cache.page_pool import PAGE_TOKENS
from inference.heap import use_large_pages

log = logging.getLogger(__name__)

LARGE_PAGES_FROM_BYTES = 16 << 20  # of a layer's cache: less would be rounded up to much more
LEAST_PAGES = 128  # a cache with fewer holds no useful prompt


def allocate_memory(layers: int, pages: int, width: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Allocate cache memory [layers, pages, PAGE_TOKENS, width]; the system commits a page at the first write to it."""
    memory = torch.empty(layers, pages, PAGE_TOKENS, width, dtype=dtype, device=device)
    if memory.is_cpu and memory[0].nbytes >= LARGE_PAGES_FROM_BYTES:
        use_large_pages(memory.data_ptr(), memory.nbytes)
    return memory


def allocate_what_fits(layers: int, pages: int, width: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Allocate as many pages as a GPU has memory for, `pages` at most.

    Raises torch.OutOfMemoryError when it has none for the least pages.
    """
    while True:
        try:
            return allocate_memory(layers, pages, width, dtype, device)
        except torch.OutOfMemoryError:
            if pages <= LEAST_PAGES:
                raise
            fewer = max(LEAST_PAGES, pages // 2)
            log.warning("%s has no memory for %d pages of the prefix cache; it gets %d", device, pages, fewer)
            pages = fewer
