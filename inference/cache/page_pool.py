"""The pool of cache pages. A page holds the cache entries of 16 consecutive tokens, of every layer."""

from collections.abc import Iterable

from midspan import CapacityError

PAGE_TOKENS = 16


class PagePool:
    """The free pages. The scheduler owns the memory itself, a tensor [layers, pages, PAGE_TOKENS, width].

    A page is free, or owned by exactly one live sequence, or owned by the radix tree.
    """

    def __init__(self, total_pages: int) -> None:
        self.total_pages = total_pages
        # Descending: popping from the end hands out ascending ids, so that a new sequence gets consecutive pages.
        self._free = list(range(total_pages - 1, -1, -1))
        self._is_free = [True] * total_pages
        self.used_pages = 0  # behind the last page that was ever handed out

    @property
    def free_count(self) -> int:
        return len(self._free)

    @property
    def free_pages(self) -> frozenset[int]:
        return frozenset(self._free)

    def allocate(self, count: int) -> list[int]:
        """Take `count` pages, which the caller owns until `release`. Raises CapacityError when too few are free."""
        if count > len(self._free):
            raise CapacityError(f"{count} cache pages are needed and {len(self._free)} are free")
        pages = [self._free.pop() for _ in range(count)]
        for page in pages:
            self._is_free[page] = False
        self.used_pages = max(self.used_pages, 1 + max(pages, default=-1))
        return pages

    def release(self, pages: Iterable[int]) -> None:
        """Give pages back. Raises ValueError for a page that is free already, and so had two owners."""
        for page in sorted(pages, reverse=True):
            if self._is_free[page]:
                raise ValueError(f"page {page} is released twice")
            self._is_free[page] = True
            self._free.append(page)
