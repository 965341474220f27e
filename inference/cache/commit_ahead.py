"""Commits the memory of a cache's pages before a prefill writes to them."""

from collections.abc import Sequence
from threading import Thread

from torch import Tensor

from inference.cache.allocate_memory import LARGE_PAGES_FROM_BYTES
from inference.cache.page_pool import PagePool
from inference.heap import commit_memory

MOST_KNOWN_BYTES = 128 << 20  # 8K tokens of a model of half a billion parameters
AHEAD_PAGES = 128  # 2,048 tokens; a large page of the system holds as many tokens of a layer, or twice as many


class CommitAhead:
    """The part of a cache that the system has committed, or is about to: pages from 0 on, as the pool hands them out.

    The first write to a large page waits until the system has found and cleared 2 MB, for each layer: 5 to 100 ms of a
    prefill, in all. Small caches and those of a GPU have no large pages, and nothing is done for them.
    """

    def __init__(self, memory: Tensor, pool: PagePool) -> None:
        self._memory = memory
        self._pool = pool
        self._committed_pages = 0
        self._is_needed = memory.is_cpu and memory[0].nbytes >= LARGE_PAGES_FROM_BYTES

    def go_on(self, known_pages: int = 0) -> None:
        """Commit pages beyond those that were ever used, on a thread that lives as long as this takes.

        `known_pages` are those that the last run has used: after a restart they are read from the disk.
        """
        known_pages = min(known_pages, MOST_KNOWN_BYTES // self._memory[:, 0].nbytes)
        last = min(max(self._pool.used_pages + AHEAD_PAGES, known_pages), self._pool.total_pages)
        first = self._committed_pages
        if self._is_needed and last > first:
            self._committed_pages = last
            parts = [(layer.data_ptr(), layer.nbytes) for layer in self._memory[:, first:last]]
            # The thread holds the memory, which may be freed meanwhile.
            Thread(target=_commit, args=(parts, self._memory), name="commit-ahead", daemon=True).start()


def _commit(parts: Sequence[tuple[int, int]], _memory: Tensor) -> None:
    """Commit parts of memory. No operation of torch runs here: a process that ends meanwhile would be aborted in it."""
    for address, size_bytes in parts:
        commit_memory(address, size_bytes)
