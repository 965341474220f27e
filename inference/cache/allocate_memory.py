"""The memory of all pages of a cache."""

import torch
from torch import Tensor

from inference.cache.page_pool import PAGE_TOKENS
from inference.heap import use_large_pages

LARGE_PAGES_FROM_BYTES = 16 << 20  # of a layer's cache: less would be rounded up to much more


def allocate_memory(layers: int, pages: int, width: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Allocate cache memory [layers, pages, PAGE_TOKENS, width]; the system commits a page at the first write to it."""
    memory = torch.empty(layers, pages, PAGE_TOKENS, width, dtype=dtype, device=device)
    if memory.is_cpu and memory[0].nbytes >= LARGE_PAGES_FROM_BYTES:
        use_large_pages(memory.data_ptr(), memory.nbytes)
    return memory
