"""Bounds the memory of the products that oneDNN compiles. Importing this does not import torch."""

import os

# A description of a product takes 0.5 MB in torch's own cache, one for each thread, and is made in 0.1 ms; the compiled
# code takes 0.3 MB in oneDNN's cache and 0.3 ms. The sizes of kernels/few_shapes.py bring about 50 products in a
# keystroke. By default, both caches hold 1,024.
_DESCRIPTIONS = 32
_COMPILED_PRODUCTS = 128


def keep_few_compiled_products() -> None:
    """Let the caches hold few products, unless the user has chosen otherwise. Call before importing torch."""
    os.environ.setdefault("LRU_CACHE_CAPACITY", str(_DESCRIPTIONS))
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(_COMPILED_PRODUCTS))
