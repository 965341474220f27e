"""How much memory the weights and the cache may take when no setting says so."""

import psutil

GIB = 1 << 30
# A quarter leaves room for the weights' page cache, the editor and its other servers.
SHARE_OF_AVAILABLE = 4
MAX_DEFAULT_BYTES = 4 * GIB
# More whole contexts than this are never live or worth keeping.
MAX_DEFAULT_CONTEXTS = 64

# Of all memory: the rest is for the cache, the editor and the system. A 32 GB laptop holds 16B in int8, at 16 GB.
WEIGHTS_SHARE = 0.6
# Of what is free now: weights that are larger would push other programs out.
WEIGHTS_SHARE_OF_AVAILABLE = 0.8


def weights_budget_bytes() -> int:
    memory = psutil.virtual_memory()
    return int(min(memory.total * WEIGHTS_SHARE, memory.available * WEIGHTS_SHARE_OF_AVAILABLE))


def default_cache_bytes(context_bytes: int) -> int:
    """context_bytes: what one context of full length takes. Never less than that."""
    available = psutil.virtual_memory().available
    wanted = min(available // SHARE_OF_AVAILABLE, MAX_DEFAULT_BYTES, MAX_DEFAULT_CONTEXTS * context_bytes)
    return max(wanted, context_bytes)
