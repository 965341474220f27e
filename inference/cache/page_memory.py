"""The pages of an engine as bytes: for each page [layers][PAGE_TOKENS][width]."""

import ctypes
from collections.abc import Sequence

import torch
from torch import Tensor


class PageMemory:
    """Gives out the bytes of pages in the cache's memory [layers, pages, PAGE_TOKENS, width].

    The CPU cannot write into a GPU's memory: `views` gives out other bytes there, which `store` moves into the pages.
    """

    def __init__(self, memory: Tensor) -> None:
        """`memory` is contiguous and outlives this."""
        self._memory = memory
        layers, pages, page_tokens, width = memory.shape
        self._shape = layers, page_tokens, width
        self._layer_page_bytes = page_tokens * width * memory.element_size()
        self._layer_bytes = pages * self._layer_page_bytes
        self.page_bytes = layers * self._layer_page_bytes
        self._staged: dict[int, bytearray] = {}  # of pages in a GPU's memory
        self._bytes: memoryview | None = None
        if memory.is_cpu:
            self._bytes = memoryview((ctypes.c_char * memory.nbytes).from_address(memory.data_ptr())).cast("B")

    def views(self, page: int) -> list[memoryview]:
        """Return the bytes of a page, layer by layer, to be written. Threads may ask for several pages at once."""
        if self._bytes is not None:
            starts = range(page * self._layer_page_bytes, len(self._bytes), self._layer_bytes)
            return [self._bytes[start : start + self._layer_page_bytes] for start in starts]
        staged = memoryview(self._staged.setdefault(page, bytearray(self.page_bytes)))
        starts = range(0, self.page_bytes, self._layer_page_bytes)
        return [staged[start : start + self._layer_page_bytes] for start in starts]

    def store(self, pages: Sequence[int]) -> None:
        """Move what was written into the `views` of these pages to where the model reads it. Engine thread only."""
        if self._bytes is None and pages:
            data = b"".join(self._staged[page] for page in pages)
            values = torch.frombuffer(bytearray(data), dtype=self._memory.dtype).view(len(pages), *self._shape)
            order = torch.tensor(pages).to(self._memory.device)
            self._memory[:, order] = values.to(self._memory.device).transpose(0, 1)
        self._staged.clear()

    def copy_out(self, pages: Sequence[int]) -> bytearray:
        """Return the bytes of at least one page, one behind the other."""
        data = bytearray(len(pages) * self.page_bytes)
        places = torch.frombuffer(data, dtype=self._memory.dtype).view(len(pages), *self._shape)
        for place, page in zip(places, pages, strict=True):
            place.copy_(self._memory[:, page])
        return data
