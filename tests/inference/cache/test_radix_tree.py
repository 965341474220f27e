"""The radix tree and the page pool under random use, against a model that is plainly right."""

import random

import pytest

from inference.cache.page_pool import PAGE_TOKENS, PagePool
from inference.cache.radix_tree import Match, RadixTree
from midspan import CapacityError


def pages_for(tokens: int) -> int:
    return -(-tokens // PAGE_TOKENS)


class Cache:
    """A tree and a pool used as the scheduler uses them; `contents` is what was written to each page."""

    def __init__(self, pages: int) -> None:
        self.tree = RadixTree()
        self.pool = PagePool(pages)
        self.contents: dict[int, list[int]] = {}

    def match_and_fill(self, tokens: list[int]) -> tuple[Match, list[int]] | None:
        """Match, lock, copy the tail, compute the rest; None when there is no room."""
        match = self.tree.match(tokens)
        source = match.tail_node or match.node
        self.tree.lock(source)
        needed = pages_for(len(tokens)) - len(match.pages)
        if needed - self.pool.free_count > self.tree.evictable_pages:
            self.tree.unlock(source)
            return None
        evicted = self.tree.evict(max(0, needed - self.pool.free_count))
        self.pool.release(evicted)
        own = self.pool.allocate(needed)
        if match.tail_page is not None:
            assert match.tail_page not in evicted
            self.contents[own[0]] = list(self.contents[match.tail_page][: match.tail_tokens])
        self.tree.lock(match.node)
        self.tree.unlock(source)
        pages = [*match.pages, *own]
        self.check_contents(pages, tokens[: match.tokens])
        for index, page in enumerate(own, start=len(match.pages)):
            self.contents[page] = tokens[index * PAGE_TOKENS : (index + 1) * PAGE_TOKENS]
        return match, pages

    def finish(self, match: Match, tokens: list[int], pages: list[int]) -> None:
        used = pages_for(len(tokens))
        self.pool.release([*self.tree.insert(tokens, pages[:used]), *pages[used:]])
        self.tree.unlock(match.node)

    def check_contents(self, pages: list[int], tokens: list[int]) -> None:
        stored = [token for page in pages for token in self.contents.get(page, [])]
        assert stored[: len(tokens)] == tokens, "the cache holds other tokens than it says"

    def check(self, live: dict[int, tuple[Match, list[int], list[int]]]) -> None:
        self.tree.check_integrity()
        owned = [p for match, _, pages in live.values() for p in pages[len(match.pages) :]]
        everything = [*owned, *self.tree.pages(), *self.pool.free_pages]
        assert sorted(everything) == list(range(self.pool.total_pages))


@pytest.mark.parametrize("seed", range(3))
def test_two_thousand_random_operations(seed: int) -> None:
    rng = random.Random(seed)
    cache = Cache(pages=60)
    live: dict[int, tuple[Match, list[int], list[int]]] = {}
    history: list[list[int]] = [[]]
    evictions = hits = tails = 0
    for step in range(2000):
        operation = rng.random()
        if operation < 0.5 and len(live) < 4:
            # Most prompts continue an earlier one from a random point: typing, deleting, jumping.
            base = rng.choice(history)
            tokens = base[: rng.randint(0, len(base))] + [rng.randint(0, 2) for _ in range(rng.randint(1, 60))]
            tokens = tokens[-300:]
            free_before = cache.pool.free_count
            if (started := cache.match_and_fill(tokens)) is not None:
                match, pages = started
                live[step] = (match, tokens, pages)
                hits += match.tokens > 0
                tails += match.tail_tokens > 0
                evictions += free_before < pages_for(len(tokens)) - len(match.pages)
        elif operation < 0.9 and live:
            match, tokens, pages = live.pop(rng.choice(list(live)))
            # A cancelled request has computed only a part; never less than what it found.
            computed = rng.choice([len(tokens), rng.randint(match.tokens, len(tokens))])
            cache.finish(match, tokens[:computed], pages)
            history = [*history[-20:], tokens[:computed]]
        else:
            cache.pool.release(cache.tree.evict(rng.randint(0, 5)))
        cache.check(live)
    assert min(evictions, hits, tails) > 50, "the sequence did not reach what it is meant to test"


def filled(tree: RadixTree, pool: PagePool, tokens: list[int]) -> list[int]:
    pages = pool.allocate(pages_for(len(tokens)))
    pool.release(tree.insert(tokens, pages))
    return pages


def test_match_counts_tokens_within_a_page() -> None:
    tree, pool = RadixTree(), PagePool(16)
    pages = filled(tree, pool, list(range(40)))
    match = tree.match([*range(37), 99, 99])
    assert (match.tokens, match.pages, match.tail_page) == (37, tuple(pages[:2]), pages[2])


def test_longest_of_several_partial_pages_wins() -> None:
    tree, pool = RadixTree(), PagePool(16)
    filled(tree, pool, [1, 2, 9, 9])
    longer = filled(tree, pool, [1, 2, 3, 4, 9])
    assert tree.match([1, 2, 3, 4, 5]).tail_page == longer[0]


def test_a_match_stays_when_another_match_cuts_its_edge() -> None:
    tree, pool = RadixTree(), PagePool(8)
    tokens, pages = list(range(64)), pool.allocate(4)
    tree.insert(tokens, pages)
    first = tree.match([*tokens[:5], 99])
    assert (first.tail_page, first.tail_tokens) == (pages[0], 5)
    assert tree.match(tokens[:40]).pages == tuple(pages[:2])
    assert first.tail_page == pages[0]
    assert first.tail_node is not None
    tree.lock(first.tail_node)
    assert tree.evict(4) == []
    tree.unlock(first.tail_node)
    tree.check_integrity()


def test_a_longer_sequence_replaces_the_partial_page_it_extends() -> None:
    tree, pool = RadixTree(), PagePool(8)
    filled(tree, pool, list(range(20)))
    filled(tree, pool, list(range(30)))
    assert tree.cached_pages == 2
    assert pool.free_count == 6
    assert tree.match(list(range(30))).tokens == 30


def test_eviction_takes_the_least_recently_used_and_spares_what_is_locked() -> None:
    tree, pool = RadixTree(), PagePool(8)
    locked, old, recent = [1] * 16, [2] * 16, [3] * 16
    for tokens in (locked, old, recent):
        filled(tree, pool, tokens)
    tree.lock(tree.match(locked).node)
    tree.match(recent)
    pool.release(tree.evict(1))
    assert [tree.match(t).tokens for t in (locked, old, recent)] == [16, 0, 16]
    pool.release(tree.evict(8))
    assert [tree.match(t).tokens for t in (locked, old, recent)] == [16, 0, 0]


def test_eviction_shortens_a_long_leaf_from_its_end() -> None:
    tree, pool = RadixTree(), PagePool(8)
    filled(tree, pool, list(range(70)))
    pool.release(tree.evict(2))
    assert tree.match(list(range(70))).tokens == 48


def test_a_page_cannot_be_released_twice_or_taken_from_an_empty_pool() -> None:
    pool = PagePool(2)
    pages = pool.allocate(2)
    with pytest.raises(CapacityError, match="1 cache pages are needed and 0 are free"):
        pool.allocate(1)
    pool.release(pages)
    with pytest.raises(ValueError, match="released twice"):
        pool.release(pages[:1])
