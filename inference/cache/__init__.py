"""Pages of the KV cache, and the radix tree that finds a prefix in them."""
