"""The pages that the disk keeps beyond a restart: the scheduler's door to them."""

from torch import Tensor

from inference.cache.page_index import PageIndex
from inference.cache.page_keeper import PageKeeper
from inference.cache.page_memory import PageMemory
from inference.cache.page_pool import PagePool
from inference.cache.page_reader import PageReader
from inference.cache.radix_tree import RadixTree


class DiskPages:
    """Engine thread only. Only pages of the radix tree are kept, and pages that are read enter it."""

    def __init__(self, model_key: bytes, memory: Tensor, pool: PagePool, tree: RadixTree) -> None:
        page_memory = PageMemory(memory)
        index = PageIndex(model_key, page_memory.page_bytes)
        self.reader = PageReader(index, page_memory, pool, tree)
        self.keeper = PageKeeper(index, page_memory, tree)
