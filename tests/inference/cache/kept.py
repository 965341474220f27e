"""A radix tree with pages on the disk, used as the scheduler uses both; a page's bytes say which prefix it is of."""

import random
from pathlib import Path
from zlib import crc32

import pytest
import torch
from torch import Tensor

from inference.api import KeptPages
from inference.cache import page_keeper, page_reader
from inference.cache.disk_pages import DiskPages
from inference.cache.page_pool import PAGE_TOKENS, PagePool
from inference.cache.radix_tree import RadixTree

LAYERS, WIDTH, POOL_PAGES = 2, 8, 60
PAGE_BYTES = LAYERS * PAGE_TOKENS * WIDTH * 4
KEY = b"the key of model"


def kept_in(root: Path, name: str = "workspace/now", most_bytes: int = 1 << 30) -> KeptPages:
    folder = root / name
    for each in (root, folder.parent, folder):
        each.mkdir(mode=0o700, exist_ok=True)
    return KeptPages(root, folder, most_bytes)


def random_tokens(rng: random.Random, count: int) -> list[int]:
    return [rng.randint(0, 2) for _ in range(count)]


def page_of(prefix: list[int]) -> Tensor:
    """Return what a page holds that ends with these tokens: it depends on every token before it."""
    seed = crc32(bytes(prefix))
    return torch.randn(LAYERS, PAGE_TOKENS, WIDTH, generator=torch.Generator().manual_seed(seed))


class Engine:
    """The cache of one process."""

    def __init__(self, key: bytes = KEY) -> None:
        self.pool, self.tree = PagePool(POOL_PAGES), RadixTree()
        self.memory = torch.zeros(LAYERS, POOL_PAGES, PAGE_TOKENS, WIDTH)
        self.disk = DiskPages(key, self.memory, self.pool, self.tree)

    def ask(self, tokens: list[int], kept: KeptPages | None) -> int:
        """Answer a prompt as the scheduler does; return how many of its pages were cached or on the disk."""
        self.disk.keeper.pause()
        missed = self.disk.reader.find(tokens[:-1], kept)
        while self.disk.reader.read_some(missed):
            self.check()
        self.check()
        match = self.tree.match(tokens[:-1])
        self.tree.lock(match.node)
        missing = -(-len(tokens) // PAGE_TOKENS) - len(match.pages)
        self.pool.release(self.tree.evict(max(0, missing - self.pool.free_count)))
        pages = [*match.pages, *self.pool.allocate(missing)]
        for number in range(len(match.pages), len(tokens) // PAGE_TOKENS):
            self.memory[:, pages[number]] = page_of(tokens[: (number + 1) * PAGE_TOKENS])
        self.pool.release(self.tree.insert(tokens, pages))
        self.tree.unlock(match.node)
        self.disk.keeper.note(tokens, kept)
        self.check()
        return len(match.pages)

    def rest(self, slices: int | None = None) -> None:
        """Be idle: until all is kept, or for so many slices."""
        keeper = self.disk.keeper
        while keeper.wait_s() is not None and slices != 0:
            if keeper._writing is not None and keeper._writing.is_finished:
                keeper._writing.writer.join()
            keeper.keep_some()
            slices = None if slices is None else slices - 1

    def check(self) -> None:
        self.tree.check_integrity()
        owned = [*self.tree.pages(), *self.pool.free_pages]
        assert sorted(owned) == list(range(POOL_PAGES))

    def check_contents(self, tokens: list[int]) -> int:
        """Compare the tree's whole pages of these tokens with what they have to hold; return how many there are."""
        held = self.tree.whole_pages(tokens)
        for number, page in enumerate(held):
            assert torch.equal(self.memory[:, page], page_of(tokens[: (number + 1) * PAGE_TOKENS]))
        return len(held)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin to keep at once, and in slices of three pages."""
    monkeypatch.setattr(page_keeper, "SETTLE_S", 0.0)
    monkeypatch.setattr(page_keeper, "SLICE_BYTES", 3 * PAGE_BYTES)
    monkeypatch.setattr(page_reader, "SLICE_BYTES", 5 * PAGE_BYTES)
