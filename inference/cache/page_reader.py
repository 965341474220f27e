"""Reads the pages of a prompt from the disk into the radix tree, in slices between the steps of the engine."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from inference.api import KeptPages
from inference.cache.page_file import CannotOpenNowError, PageFileError, PagePlace, checksum_of, open_own, read_views
from inference.cache.page_folder import mark_used
from inference.cache.page_index import PageIndex
from inference.cache.page_key import page_hashes
from inference.cache.page_memory import PageMemory
from inference.cache.page_pool import PAGE_TOKENS, PagePool
from inference.cache.radix_tree import RadixTree

SLICE_BYTES = 32 << 20  # a few hundredths of a second; then a cancelled or a more urgent request is seen
_READERS = 2
_ALONE_BYTES = 8 << 20  # are read on the engine's thread: to start other threads takes as long
_RUN_BYTES = 256 << 10  # are read in one call, and their checksums made while the core's cache has them


@dataclass(frozen=True)
class MissedPages:
    """The pages of a prompt that the disk has and the tree lacked when the prompt came: from page `first` on."""

    tokens: tuple[int, ...]
    first: int
    places: tuple[PagePlace, ...]

    @property
    def end(self) -> int:
        """The number of pages from the beginning to the last that the disk has."""
        return self.first + len(self.places)


class PageReader:
    """Engine thread only. A page enters the tree after its checksum was found right."""

    def __init__(self, index: PageIndex, memory: PageMemory, pool: PagePool, tree: RadixTree) -> None:
        self._index = index
        self._memory = memory
        self._pool = pool
        self._tree = tree
        self.read_pages = 0  # since the engine was loaded

    def find(self, tokens: Sequence[int], kept: KeptPages | None) -> MissedPages:
        """Return what the disk has of the whole pages of `tokens` behind those of the tree; maybe no page."""
        tokens = tuple(tokens[: len(tokens) // PAGE_TOKENS * PAGE_TOKENS])
        first = len(self._tree.whole_pages(tokens))
        places: list[PagePlace] = []
        if kept is not None and first * PAGE_TOKENS < len(tokens) and (known := self._index.pages(kept)):
            for number, page_hash in enumerate(page_hashes(self._index.key, tokens)):
                if number >= first and page_hash not in known:
                    break
                if number >= first:
                    places.append(known[page_hash])
        for path in {place.file for place in places}:
            mark_used(path)
        return MissedPages(tokens, first, tuple(places))

    def read_some(self, missed: MissedPages, *, gives_way: bool = False) -> bool:
        """Read the next slice of the missed pages into the tree, unless it gives way; True while more are left."""
        held = len(self._tree.whole_pages(missed.tokens[: missed.end * PAGE_TOKENS]))
        if not missed.first <= held < missed.end:
            return False  # all are there, or the tree has lost those before
        if gives_way:
            return True
        slice_pages = max(1, SLICE_BYTES // self._memory.page_bytes)
        places = missed.places[held - missed.first :][:slice_pages]
        count = self._make_room(missed.tokens[: held * PAGE_TOKENS], len(places))
        if not count:
            return False
        pages = self._pool.allocate(count)
        try:
            good = self._read(places[:count], pages)
            self._memory.store(pages[:good])
        except BaseException:  # as for lack of memory, or of threads
            self._pool.release(pages)
            raise
        before = self._tree.whole_pages(missed.tokens[: held * PAGE_TOKENS])
        orphans = self._tree.insert(missed.tokens[: (held + good) * PAGE_TOKENS], [*before, *pages[:good]])
        self._pool.release([*orphans, *pages[good:]])
        self.read_pages += good
        return good == len(places) and held + good < missed.end

    def _make_room(self, prefix: Sequence[int], count: int) -> int:
        """Evict others than the pages of `prefix` for `count` pages; return how many are free, `count` at most."""
        node = self._tree.match(prefix).node
        self._tree.lock(node)
        missing = min(count - self._pool.free_count, self._tree.evictable_pages)
        if missing > 0:
            self._pool.release(self._tree.evict(missing))
        self._tree.unlock(node)
        return min(count, self._pool.free_count)

    def _read(self, places: Sequence[PagePlace], pages: Sequence[int]) -> int:
        """Fill pages; return how many from the first are right. A file with a wrong page is removed."""
        if len(places) * self._memory.page_bytes <= _ALONE_BYTES:
            return self._read_part(places, pages)
        half = -(-len(places) // _READERS)
        parts = [(places[start : start + half], pages[start : start + half]) for start in range(0, len(places), half)]
        with ThreadPoolExecutor(_READERS, "midspan-page-reader") as readers:
            goods = list(readers.map(lambda part: self._read_part(*part), parts))
        good = 0
        for (part, _), right in zip(parts, goods, strict=True):
            good += right
            if right < len(part):
                break
        return good

    def _read_part(self, places: Sequence[PagePlace], pages: Sequence[int]) -> int:
        good = 0
        for path, group in groupby(places, lambda place: place.file):
            run = list(group)
            right = self._read_file(path, run, pages[good : good + len(run)])
            good += right
            if right < len(run):
                break
        return good

    def _read_file(self, path: Path, places: Sequence[PagePlace], pages: Sequence[int]) -> int:
        good = 0
        run_pages = max(1, _RUN_BYTES // self._memory.page_bytes)
        try:
            with open_own(path) as file:
                for start, end in _runs([place.number for place in places], run_pages):
                    views = [self._memory.views(page) for page in pages[start:end]]
                    place_bytes = places[start].number * self._memory.page_bytes
                    read_views(file, place_bytes, [view for page_views in views for view in page_views])
                    for place, page_views in zip(places[start:end], views, strict=True):
                        if checksum_of(page_views) != place.checksum:
                            raise PageFileError(f"{path} has a changed page")
                        good += 1
        except (FileNotFoundError, CannotOpenNowError):  # forgotten, or another process needed the room
            pass
        except (OSError, PageFileError) as error:
            self._index.drop(path, error)
        return good


def _runs(numbers: Sequence[int], most: int) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each run of consecutive numbers, cut to `most` of them."""
    start = 0
    for end in range(1, len(numbers) + 1):
        if end == len(numbers) or end - start == most or numbers[end] != numbers[end - 1] + 1:
            yield start, end
            start = end
