"""The prefix cache: a radix tree over tokens, whose edges own the pages with those tokens' cache entries.

Edges are cut at page boundaries, so that a page has one owner. Within the page where two sequences part, a match still
counts the tokens, and the caller copies that part of the page. Only a leaf may end within a page.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from inference.cache.page_pool import PAGE_TOKENS


@dataclass(eq=False)
class Node:
    """An edge and the node at its end. `locks` counts the live sequences whose pages pass through it."""

    tokens: tuple[int, ...]
    pages: list[int]
    parent: "Node | None"
    children: dict[tuple[int, ...], "Node"] = field(default_factory=dict)  # by first block
    locks: int = 0
    last_used: int = 0

    @property
    def first_block(self) -> tuple[int, ...]:
        return self.tokens[:PAGE_TOKENS]

    def block(self, index: int) -> tuple[int, ...]:
        return self.tokens[index * PAGE_TOKENS : (index + 1) * PAGE_TOKENS]


@dataclass(frozen=True)
class Match:
    """The longest cached prefix. Valid until the next insert or evict, unless its nodes are locked."""

    node: Node  # ends where the whole pages end
    pages: tuple[int, ...]  # whole pages, from the root
    tail_node: Node | None  # holds `tail_page`, or a node above it does since another match
    tail_page: int | None
    tail_tokens: int  # tokens of the tail page that match; to be copied, never shared

    @property
    def tokens(self) -> int:
        return len(self.pages) * PAGE_TOKENS + self.tail_tokens


class RadixTree:
    def __init__(self) -> None:
        self._root = Node((), [], None)
        self._clock = 0
        self.cached_pages = 0
        self.evictable_pages = 0

    def match(self, tokens: Sequence[int]) -> Match:
        """Find the longest cached prefix of `tokens`, to the token, and mark it as used."""
        node, pages = self._descend(tuple(tokens))
        rest = tuple(tokens[len(pages) * PAGE_TOKENS :][:PAGE_TOKENS])
        tail_node, tail_tokens = None, 0
        for child in node.children.values():
            shared = _common_prefix(child.first_block, rest)
            if shared > tail_tokens:
                tail_node, tail_tokens = child, shared
        self._touch(tail_node or node)
        return Match(node, tuple(pages), tail_node, tail_node.pages[0] if tail_node else None, tail_tokens)

    def whole_pages(self, tokens: Sequence[int]) -> list[int]:
        """Return the pages whose tokens all match, from the root. They are not marked as used."""
        return self._descend(tuple(tokens))[1]

    def lock(self, node: Node) -> None:
        """Keep the pages from the root to `node` from eviction until `unlock`."""
        for step in _path(node):
            if step.locks == 0:
                self.evictable_pages -= len(step.pages)
            step.locks += 1

    def unlock(self, node: Node) -> None:
        for step in _path(node):
            step.locks -= 1
            if step.locks == 0:
                self.evictable_pages += len(step.pages)

    def insert(self, tokens: Sequence[int], pages: Sequence[int]) -> list[int]:
        """Give the tree `pages`, which hold `tokens`. Returns the pages that now have no owner.

        The tree has the tokens of these pages in others already, or one of the new pages replaces a partly filled one.
        """
        tokens = tuple(tokens)
        node, known_pages = self._descend(tokens)
        orphans = [new for new, known in zip(pages, known_pages, strict=False) if new != known]
        rest = tokens[len(known_pages) * PAGE_TOKENS :]
        rest_pages = list(pages[len(known_pages) :])
        if rest and any(c.first_block[: len(rest)] == rest for c in node.children.values()):
            orphans += rest_pages  # a partly filled page whose tokens begin a page of the tree
        elif rest:
            orphans += self._drop_partial_leaves(node, rest[:PAGE_TOKENS])
            leaf = Node(rest, rest_pages, node)
            node.children[leaf.first_block] = leaf
            self._count(len(rest_pages))
            node = leaf
        self._touch(node)
        return orphans

    def evict(self, page_count: int) -> list[int]:
        """Drop and return the least recently used unlocked pages, from the leaves inwards, `page_count` at most."""
        leaves = [(n.last_used, id(n), n) for n in self._nodes() if not n.children and not n.locks]
        heapq.heapify(leaves)
        evicted: list[int] = []
        while leaves and len(evicted) < page_count:
            _, _, leaf = heapq.heappop(leaves)
            parent = leaf.parent
            key = leaf.first_block
            cut = max(0, len(leaf.pages) - (page_count - len(evicted)))
            evicted += reversed(leaf.pages[cut:])
            leaf.pages = leaf.pages[:cut]
            leaf.tokens = leaf.tokens[: cut * PAGE_TOKENS]
            if leaf.pages or parent is None:
                continue
            del parent.children[key]
            if parent.parent is not None and not parent.children and not parent.locks:
                heapq.heappush(leaves, (parent.last_used, id(parent), parent))
        self._count(-len(evicted))
        return evicted

    def pages(self) -> set[int]:
        """Return all pages that the tree owns."""
        return {page for node in self._nodes() for page in node.pages}

    def check_integrity(self) -> None:
        """Check every rule of the tree. Raises RuntimeError that names the first one broken."""
        seen: list[int] = []
        evictable = 0
        for node in self._nodes():
            seen += node.pages
            evictable += len(node.pages) if node.locks == 0 else 0
            parent = node.parent or self._root
            _expect(bool(node.tokens), "a node without tokens")
            _expect(len(node.pages) == -(-len(node.tokens) // PAGE_TOKENS), "pages do not fit tokens")
            _expect(len(node.tokens) % PAGE_TOKENS == 0 or not node.children, "partial inner node")
            _expect(node.locks >= sum(c.locks for c in node.children.values()), "locks not on path")
            _expect(node.locks >= 0, "unlocked more often than locked")
            _expect(parent.children.get(node.first_block) is node, "lost child")
            _expect(parent is self._root or parent.last_used >= node.last_used, "parent older than child")
            blocks = sorted(c.first_block for c in node.children.values())
            nested = any(b[: len(a)] == a for a, b in pairwise(blocks))
            _expect(not nested, "a child repeats the beginning of another")
        _expect(len(seen) == len(set(seen)), "a page is owned twice")
        _expect(len(seen) == self.cached_pages, "cached_pages is wrong")
        _expect(evictable == self.evictable_pages, "evictable_pages is wrong")

    def _descend(self, tokens: tuple[int, ...]) -> tuple[Node, list[int]]:
        """Follow whole matching blocks; the returned node ends exactly where they end."""
        node, pages = self._root, list[int]()
        while True:
            start = len(pages) * PAGE_TOKENS
            child = node.children.get(tokens[start : start + PAGE_TOKENS])
            if child is None or len(child.first_block) < PAGE_TOKENS:
                return node, pages
            blocks = _common_prefix(child.tokens, tokens[start:]) // PAGE_TOKENS
            pages += child.pages[:blocks]
            node = child if blocks == len(child.pages) else self._split(child, blocks)
            if node is not child:
                return node, pages

    def _split(self, node: Node, blocks: int) -> Node:
        """Cut an edge after `blocks` pages and return the new upper node. References to `node` stay valid."""
        parent = node.parent
        if parent is None:
            raise ValueError("the root has no edge to cut")
        cut = blocks * PAGE_TOKENS
        upper = Node(node.tokens[:cut], node.pages[:blocks], parent, {}, node.locks, node.last_used)
        parent.children[upper.first_block] = upper
        node.tokens, node.pages, node.parent = node.tokens[cut:], node.pages[blocks:], upper
        upper.children[node.first_block] = node
        return upper

    def _drop_partial_leaves(self, node: Node, block: tuple[int, ...]) -> list[int]:
        dropped: list[int] = []
        for key, child in list(node.children.items()):
            if len(key) < PAGE_TOKENS and block[: len(key)] == key:
                del node.children[key]
                dropped += child.pages
        self._count(-len(dropped))
        return dropped

    def _count(self, pages: int) -> None:
        self.cached_pages += pages
        self.evictable_pages += pages

    def _touch(self, node: Node) -> None:
        self._clock += 1
        for step in _path(node):
            step.last_used = self._clock

    def _nodes(self) -> Iterator[Node]:
        stack = list(self._root.children.values())
        while stack:
            node = stack.pop()
            stack.extend(node.children.values())
            yield node


def _path(node: Node) -> Iterator[Node]:
    """Walk from `node` up to the root, without the root."""
    step: Node | None = node
    while step is not None and step.parent is not None:
        yield step
        step = step.parent


def _common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    length = min(len(a), len(b))
    if a[:length] == b[:length]:
        return length
    return next(i for i in range(length) if a[i] != b[i])


def _expect(holds: bool, rule: str) -> None:
    if not holds:
        raise RuntimeError(f"radix tree: {rule}")
