"""The pages of an engine as bytes: for each page [layers][PAGE_TOKENS][width]."""

from collections.abc import Sequence

import torch
from torch import Tensor


class PageMemory:
    """Copies pages out of and into the cache's memory [layers, pages, PAGE_TOKENS, width]."""

    def __init__(self, memory: Tensor) -> None:
        self._memory = memory
        layers, _, page_tokens, width = memory.shape
        self._shape = layers, page_tokens, width
        self.page_bytes = layers * page_tokens * width * memory.element_size()

    def copy_out(self, pages: Sequence[int]) -> bytearray:
        """Return the bytes of at least one page, one behind the other."""
        data = bytearray(len(pages) * self.page_bytes)
        for place, page in zip(self._split(data, len(pages)), pages, strict=True):
            place.copy_(self._memory[:, page])
        return data

    def copy_in(self, pages: Sequence[int], data: bytearray) -> None:
        """Fill pages from the beginning of `data`, one behind the other. Any thread may fill pages that it owns."""
        with torch.inference_mode():
            for place, page in zip(self._split(data, len(pages)), pages, strict=True):
                self._memory[:, page].copy_(place)

    def _split(self, data: bytearray, count: int) -> Tensor:
        items = count * self.page_bytes // self._memory.element_size()
        return torch.frombuffer(data, dtype=self._memory.dtype, count=items).view(count, *self._shape)
