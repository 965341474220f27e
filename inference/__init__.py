"""The engine: models, weights, tokenizer, KV cache, scheduling, decoding.

Importing this package or `inference.local_engine` does not import torch: the engine thread does that itself, so that
a server answers `initialize` at once.
"""
