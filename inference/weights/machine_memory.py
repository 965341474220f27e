"""The memory that weights and cache may take when no setting says so."""

from midspan.memory import usable_memory

GIB = 1 << 30
# The cache takes a quarter: the rest is for the weights' page cache, the editor and its other servers.
SHARE_OF_AVAILABLE = 4
MAX_DEFAULT_BYTES = 4 * GIB
# More whole contexts are not worth their memory: only a small model with a short context reaches this bound.
MAX_DEFAULT_CONTEXTS = 8

# The share of all memory: the rest is for the cache, the editor and the system. A laptop with 32 GB can then hold a
# 16B model in int8, which takes 16 GB.
WEIGHTS_SHARE = 0.6
# The share of the memory that is free now: larger weights would push other programs out.
WEIGHTS_SHARE_OF_AVAILABLE = 0.8


def weights_budget_bytes() -> int:
    memory = usable_memory()
    return int(min(memory.total_bytes * WEIGHTS_SHARE, memory.available_bytes * WEIGHTS_SHARE_OF_AVAILABLE))


def default_cache_bytes(context_bytes: int) -> int:
    """Choose the size of the cache, at least `context_bytes`, the bytes of one context of full length."""
    available_bytes = usable_memory().available_bytes
    wanted = min(available_bytes // SHARE_OF_AVAILABLE, MAX_DEFAULT_BYTES, MAX_DEFAULT_CONTEXTS * context_bytes)
    return max(wanted, context_bytes)
