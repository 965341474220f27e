"""The pages of an engine as bytes: for each page [layers][PAGE_TOKENS][width]."""

import ctypes
from collections.abc import Sequence

import torch
from torch import Tensor


class PageMemory:
    """Gives out the bytes of pages in the cache's memory [layers, pages, PAGE_TOKENS, width]."""

    def __init__(self, memory: Tensor) -> None:
        """`memory` is contiguous and in the machine's own memory, and outlives this."""
        self._memory = memory
        layers, pages, page_tokens, width = memory.shape
        self._shape = layers, page_tokens, width
        self._layer_page_bytes = page_tokens * width * memory.element_size()
        self._layer_bytes = pages * self._layer_page_bytes
        self.page_bytes = layers * self._layer_page_bytes
        self._bytes = memoryview((ctypes.c_char * memory.nbytes).from_address(memory.data_ptr())).cast("B")

    def views(self, page: int) -> list[memoryview]:
        """Return the bytes of a page, layer by layer, to be read and written in place."""
        starts = range(page * self._layer_page_bytes, len(self._bytes), self._layer_bytes)
        return [self._bytes[start : start + self._layer_page_bytes] for start in starts]

    def copy_out(self, pages: Sequence[int]) -> bytearray:
        """Return the bytes of at least one page, one behind the other."""
        data = bytearray(len(pages) * self.page_bytes)
        places = torch.frombuffer(data, dtype=self._memory.dtype).view(len(pages), *self._shape)
        for place, page in zip(places, pages, strict=True):
            place.copy_(self._memory[:, page])
        return data
